import { expect, test } from 'vitest';
import { runnerNames } from '../../src/parity/runner.ts';
import { runners } from '../../src/parity/runners.ts';
import { describeRunner } from '../contract/runner.ts';

for (const runner of Object.values(runners)) await describeRunner(runner, { cases: 13 });

test('every runner is in the table under its name', () => {
  expect(Object.keys(runners)).toEqual(runnerNames);
  for (const [name, runner] of Object.entries(runners)) expect(runner.name).toBe(name);
});
