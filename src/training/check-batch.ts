/** What every engine asks of a batch before it computes. */
import type { ModelPlan } from '../../models/plan.ts';
import { fail } from '../core/errors.ts';
import type { Batch } from './engine.ts';

const hint = 'Give at least one row and one time step, ids [rows, time] below the vocabulary size, targets [rows].';

/** @throws INPUT_INVALID */
export function checkBatch({ ids, rows, time, targets, initialStates }: Batch, plan: ModelPlan): void {
  if (rows < 1 || time < 1 || ids.length !== rows * time || targets.length !== rows) {
    fail(
      'INPUT_INVALID',
      `a batch of ${rows} rows × ${time} steps has ${ids.length} ids and ${targets.length} targets`,
      hint,
    );
  }
  checkRange('id', ids, plan.vocabularySize);
  checkRange('target', targets, plan.head.classes);
  for (const [name, values] of initialStates ?? []) checkState(name, values, rows, plan);
}

function checkState(name: string, values: Float32Array, rows: number, { states }: ModelPlan): void {
  const known = states.map((state) => state.name).join(', ');
  const state = states.find((candidate) => candidate.name === name);
  if (!state) fail('INPUT_INVALID', `the model has no state ${name}`, `It has ${known || 'none'}.`);
  if (values.length !== rows * state.units || !values.every(Number.isFinite)) {
    const what = `initial state ${name} has ${values.length} values, ${rows} rows × ${state.units} finite ones are needed`;
    fail('INPUT_INVALID', what, 'Give [rows, units], or leave it out for zeros.');
  }
}

/** Before every step, so it takes one pass without a branch: the sign of what is negative or too large stays in `signs`. */
function checkRange(what: string, values: Int32Array, count: number): void {
  let signs = 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as number;
    signs |= value | (count - 1 - value);
  }
  if (signs >= 0) return;
  const wrong = values.find((value) => value < 0 || value >= count);
  fail('INPUT_INVALID', `${what} ${wrong} is not in 0 … ${count - 1}`, hint);
}
