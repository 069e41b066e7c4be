/** Every runner against every other. Rows are places in the order in which they were computed. */
import type { ModelPlan } from '../../models/plan.ts';
import { type Comparison, compareOutputs } from './compare.ts';
import type { Outputs, RunnerName } from './runner.ts';
import type { Sensitivity } from './sensitivity.ts';
import { toleranceBetween, tolerances } from './tolerances.ts';

/** A runner's outputs for the first `examples` rows of the order. */
export interface Computed extends Outputs {
  readonly name: RunnerName;
  readonly description: string;
  readonly examples: number;
  readonly seconds: number;
}

/** Of the rows for which it was measured. */
export type Sensitivities = ReadonlyMap<number, Sensitivity>;

export interface Pair {
  readonly norm: Computed;
  readonly other: Computed;
  readonly found: Comparison;
}

export function compareAll(
  computed: readonly Computed[],
  { head: { outputs } }: ModelPlan,
  sensitivities: Sensitivities = new Map(),
): Pair[] {
  return computed.flatMap((norm, index) =>
    computed.slice(index + 1).map((other) => {
      const size = Math.min(norm.examples, other.examples) * outputs;
      const [one, two] = [norm, other].map(({ logits, probabilities }) => ({
        logits: logits.subarray(0, size),
        probabilities: probabilities.subarray(0, size),
      })) as [Outputs, Outputs];
      const tolerance = tolerances[toleranceBetween(norm.name, other.name)];
      const allowed = norm.name === 'reference' ? sensitivities : doubled(sensitivities);
      return { norm, other, found: compareOutputs(one, two, outputs, tolerance, allowed) };
    }),
  );
}

/** Two runners may be off the exact answer to opposite sides. */
function doubled(sensitivities: Sensitivities): Sensitivities {
  return new Map(
    [...sensitivities].map(([place, { probability, logit }]) => [
      place,
      { probability: 2 * probability, logit: 2 * logit },
    ]),
  );
}
