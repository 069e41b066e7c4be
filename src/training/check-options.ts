/** Options that do not go with the model or the data at hand: what is known only when both are there. */
import type { ModelPlan } from '../../models/plan.ts';
import { fail } from '../core/errors.ts';
import type { RunOptions } from './options.ts';

/** @throws OPTION_UNSUPPORTED */
export function checkBucket(plan: ModelPlan, { bucket }: RunOptions): void {
  if (!bucket || plan.maskZero) return;
  fail(
    'OPTION_UNSUPPORTED',
    `bucket takes padding away, but ${plan.spec.name} does not mask it: it is part of what the model reads`,
    'Leave bucket out, or set maskZero on the embedding.',
  );
}
