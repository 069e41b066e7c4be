/** An imported model against what its framework computed, by two ways that share no code: the float64 reference and the exported file. */
import { expect } from 'vitest';
import { exportOnnx } from '../../../exporters/export.ts';
import type { ImportedModel } from '../../../models/importers/imported.ts';
import { loadClassifier } from '../../../runtime/predict/classifier.ts';
import { referenceForward } from '../../../src/reference/reference.ts';

export interface Witness {
  /** [rows, time] */
  readonly ids: readonly (readonly number[])[];
  /** What the framework gave, [rows, outputs]: probabilities, or logits of a linear head. */
  readonly outputs: readonly (readonly number[])[];
}

/**
 * Frameworks compute in float32: a sum of at most some dozen products, and sigmoid and tanh to a few units in the last
 * place, in chains of a few layers. Errors of a wrong gate, bias or mask are above 1e-3 with weights of this size.
 */
const tolerance = 2e-6;

export async function expectAgreement({ model }: ImportedModel, { ids, outputs }: Witness): Promise<void> {
  const time = (ids[0] as readonly number[]).length;
  const flat = Int32Array.from(ids.flat());
  const { logits, probabilities } = referenceForward(model, flat, ids.length, time);
  const head = model.spec.layers.at(-1);
  const linear = head?.type === 'dense' && head.activation === 'linear';
  const wanted = outputs.flat();
  expectClose(linear ? logits : probabilities, wanted);

  const classifier = await loadClassifier(exportOnnx(model));
  try {
    const ofFile = await classifier.predictIds(flat, ids.length, time);
    expectClose(linear ? ofFile.logits : ofFile.probabilities, wanted);
  } finally {
    await classifier.dispose();
  }
}

function expectClose(actual: ArrayLike<number>, wanted: readonly number[]): void {
  expect(actual.length).toBe(wanted.length);
  const worst = Math.max(...wanted.map((value, index) => Math.abs(value - (actual[index] as number))));
  expect(worst).toBeLessThan(tolerance * Math.max(1, ...wanted.map(Math.abs)));
}
