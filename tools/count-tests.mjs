/**
 * Prints the closing line of `.ci/run` from vitest's JSON report, and ends with status 1 if anything failed.
 *
 * node tools/count-tests.mjs <report.json> <failed stages>
 */
import { existsSync, readFileSync } from 'node:fs';

const [path = '', failedStages = '0'] = process.argv.slice(2);
const report = existsSync(path)
  ? JSON.parse(readFileSync(path, 'utf8'))
  : { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 };

const passed = report.numPassedTests;
// The stage of the tests is among the failed ones when a test failed, and when a file of tests did not even load.
const failed = Math.max(0, report.numFailedTests - 1) + Number(failedStages);
const skipped = report.numPendingTests + report.numTodoTests;

console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
if (failed > 0 || passed === 0) process.exitCode = 1;
