/**
 * The reference against numbers that Keras 3 and PyTorch computed in float64 (tools/fixtures): what every layer gives,
 * the loss, and the gradient of every weight.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { planModel } from '../../models/plan.ts';
import { parseSpec } from '../../models/spec.ts';
import {
  type DropoutMasks,
  referenceForward,
  referenceGradients,
  referenceLayerOutputs,
  referenceLoss,
} from '../../src/reference/reference.ts';

interface Fixture {
  readonly name: string;
  readonly spec: unknown;
  readonly rows: number;
  readonly time: number;
  readonly ids: readonly number[];
  readonly targets: readonly number[];
  readonly weights: Readonly<Record<string, readonly number[]>>;
  readonly initialStates?: Readonly<Record<string, readonly number[]>>;
  /** Factors by stream and purpose; there when the outputs are those of a training step. */
  readonly masks?: Readonly<Record<string, readonly number[]>>;
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  readonly loss: number;
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}

interface FixtureFile {
  readonly source: string;
  readonly cases: readonly Fixture[];
}

/**
 * Relative above 1, absolute below. Both sides compute in float64 and the files have 13 digits; the largest error seen
 * is 4.4e-13, where gradients of large weights cancel.
 */
const tolerance = 2e-12;

/** For class 0 Keras takes log(1 − clip(p)), and 1 − (1 − 1e-7) is 6e-17 away from 1e-7: 6e-10 of its logarithm. */
const lossTolerance = 1e-9;

for (const file of ['keras.json', 'pytorch.json']) {
  const path = new URL(`../fixtures/layers/${file}`, import.meta.url);
  const { source, cases } = JSON.parse(readFileSync(path, 'utf8')) as FixtureFile;

  describe(source, () => {
    test.each(cases)('$name', (fixture) => {
      const spec = parseSpec(fixture.spec);
      const { parameters, head } = planModel(spec);
      const weights = new Map(
        parameters.map(({ name, shape }) => [name, { shape, data: Float64Array.from(fixture.weights[name] ?? []) }]),
      );
      const model = { spec, weights };
      const { rows, time } = fixture;
      const initialStates = new Map(Object.entries(fixture.initialStates ?? {}));
      const batch = {
        rows,
        time,
        ids: Int32Array.from(fixture.ids),
        targets: Int32Array.from(fixture.targets),
        initialStates,
      };
      const masks: DropoutMasks | undefined =
        fixture.masks && ((stream, purpose, size) => given(fixture.masks?.[`${stream}/${purpose}`], size));

      const { loss, gradients } = referenceGradients(model, batch, masks);
      expect(Math.abs(loss - fixture.loss)).toBeLessThan(lossTolerance);
      expect(referenceLoss(model, batch, masks)).toBe(loss);
      expect([...gradients.keys()].sort()).toEqual(Object.keys(fixture.gradients).sort());
      for (const [name, gradient] of gradients) expectClose(name, gradient, fixture.gradients[name]);

      if (masks) return;
      const outputs = referenceLayerOutputs(model, batch);
      const { logits, probabilities } = referenceForward(model, batch.ids, rows, time, initialStates);
      const last = spec.layers.at(-1)?.name as string;
      expect(outputs.get(last)).toEqual(logits);
      outputs.set(last, head.fromLogits ? logits : probabilities);
      for (const [name, values] of Object.entries(fixture.outputs)) expectClose(name, outputs.get(name), values);
    });
  });
}

function given(mask: readonly number[] | undefined, size: number): readonly number[] {
  expect(mask).toHaveLength(size);
  return mask ?? [];
}

function expectClose(name: string, got: Float64Array | undefined, wanted: readonly number[] | undefined): void {
  expect(got, name).toHaveLength(wanted?.length ?? -1);
  const errors = wanted?.map((value, at) => Math.abs(value - (got?.[at] as number)) / Math.max(1, Math.abs(value)));
  const largest = Math.max(...(errors ?? [Number.NaN]));
  expect(largest, `${name}: largest error`).toBeLessThan(tolerance);
}
