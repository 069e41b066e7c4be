/**
 * Holds the JSON of `npm start --silent -- --json` against what the main job promises: nothing else on standard
 * output, no label flipped between the runners, under three minutes.
 *
 * node tools/check-main-job.mjs <output.json>
 */
import { readFileSync } from 'node:fs';

const result = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const { accuracy, examples, flips, maxAbsError, seconds } = result;

const promises = {
  'some mails are classified': examples > 0,
  'no label is flipped': flips === 0,
  'the accuracy is above 0.93': accuracy > 0.93,
  'probabilities agree within 5e-6': maxAbsError < 5e-6,
  'it takes less than three minutes': seconds < 180,
};

console.log(JSON.stringify({ accuracy, examples, flips, maxAbsError, seconds }));
for (const [promise, kept] of Object.entries(promises)) {
  if (!kept) {
    console.error(`not kept: ${promise}`);
    process.exitCode = 1;
  }
}
