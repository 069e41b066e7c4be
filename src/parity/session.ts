/** What every runner's session does alike: check its input, refuse work after its end, end once. */
import { planModel } from '../../models/plan.ts';
import { checkIds } from '../../runtime/predict/check-ids.ts';
import { fail } from '../core/errors.ts';
import type { Outputs, RunnerSession, Subject } from './runner.ts';

export interface SessionParts {
  readonly description: string;
  readonly run: (ids: Int32Array, rows: number, time: number) => Promise<Outputs>;
  readonly close: () => Promise<void>;
}

export function createSession({ model }: Subject, { description, run, close }: SessionParts): RunnerSession {
  const { vocabularySize } = planModel(model.spec);
  let closing: Promise<void> | undefined;
  return {
    description,
    async run(ids, rows, time) {
      if (closing) fail('DISPOSED', `${description} was used after dispose()`, 'Open the runner again.');
      checkIds(ids, rows, time, vocabularySize);
      return run(ids, rows, time);
    },
    dispose() {
      closing ??= close();
      return closing;
    },
  };
}
