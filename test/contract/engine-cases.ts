/** What stands around a random model that an engine is tried on: states, masks, and how an error is measured. */
import { expect } from 'vitest';
import type { ModelSpec } from '../../models/layers.ts';
import { recurrencesOf } from '../../models/plan.ts';
import type { Weights } from '../../models/weights.ts';
import {
  type DropoutMasks,
  type ReferenceWeights,
  referenceForward,
  referenceGradients,
} from '../../src/reference/reference.ts';
import { dropoutMask } from '../../src/training/dropout.ts';
import type { Batch, EngineProvider, StepAddress } from '../../src/training/engine.ts';
import { sgd } from '../../src/training/optimisers.ts';
import { type ModelCase, materialise, randomStates } from '../support/arbitrary-spec.ts';

export const address: StepAddress = { seed: 11, epoch: 2, step: 5 };

/** Every other case begins from states of its own. */
export function withStates(modelCase: ModelCase): ReturnType<typeof materialise> {
  const { weights, batch } = materialise(modelCase);
  const { spec, rows, seed } = modelCase;
  return { weights, batch: seed % 2 ? { ...batch, initialStates: randomStates(spec, rows, seed) } : batch };
}

/** The masks that an engine draws at `address`, for the reference. */
export function masksOf(spec: ModelSpec): DropoutMasks {
  const rateOf = (stream: number, purpose: 'dropout' | 'recurrentDropout') => {
    const layer = spec.layers[Math.floor(stream / 2)];
    if (layer?.type === 'dropout') return layer.rate;
    return (layer && recurrencesOf(layer)[0]?.layer[purpose]) ?? 0;
  };
  return (stream, purpose, size) => dropoutMask(address, purpose, stream, rateOf(stream, purpose), size);
}

/** Largest difference, as a share of the largest expected value or of 1 if that is less. */
export function relativeError(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(got.length).toBe(expected.length);
  const largest = Array.from(expected).reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  const error = Array.from(expected).reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (got[i] as number))),
    0,
  );
  return Number.isFinite(error) ? error / largest : Number.POSITIVE_INFINITY;
}

/** Gradients are seen through the port alone: one step of plain SGD at learning rate 1 moves each weight by its own. */
export function gradientsBetween(before: Weights, after: Weights): Map<string, Float64Array> {
  return new Map(
    [...before].map(([name, { data }]) => {
      const moved = after.get(name)?.data ?? [];
      return [name, Float64Array.from(data, (value, i) => value - (moved[i] as number))];
    }),
  );
}

/** Of each tensor, the largest. */
export function relativeErrors(
  got: ReadonlyMap<string, ArrayLike<number>>,
  expected: ReadonlyMap<string, ArrayLike<number>>,
): number {
  return Math.max(...[...expected].map(([name, values]) => relativeError(got.get(name) ?? [], values)));
}

/** How far an engine is from the float64 reference: an evaluation, and the gradients of one step at `address`. */
export async function errorsOf(
  { provider, threads }: { readonly provider: EngineProvider; readonly threads: number },
  { spec, weights, batch }: { readonly spec: ModelSpec; readonly weights: Weights; readonly batch: Batch },
): Promise<{ readonly logits: number; readonly gradients: number }> {
  const engine = await provider.prepare({ spec, weights, optimiser: sgd, threads });
  const { logits } = await engine.evaluate(batch);
  await engine.step(batch, address, 1);
  const after = (await engine.state()).weights;
  await engine.dispose();
  const { ids, rows, time, initialStates } = batch;
  const expected = referenceForward({ spec, weights }, ids, rows, time, initialStates);
  const { gradients } = referenceGradients({ spec, weights }, batch, masksOf(spec));
  return {
    logits: relativeError(logits, expected.logits),
    gradients: relativeErrors(gradientsBetween(weights, after), gradients),
  };
}

/**
 * Each weight moved by one unit in its last float32 place, up and down in turn: by how much a model moves then, in
 * float64, tells how far roundings can carry it, and `roundings` of that a few hundred of them may add up to.
 */
export function nudge(weights: Weights): Map<string, { shape: readonly number[]; data: Float64Array }> {
  return new Map(
    [...weights].map(([name, { shape, data }]) => [
      name,
      { shape, data: Float64Array.from(data, (value, i) => value * (1 + (i % 2 ? 1 : -1) * 2 ** -23)) },
    ]),
  );
}

export const roundings = 40;

/** By how much the gradients move when the weights are nudged. */
export function movementOf({ spec, weights, batch }: { spec: ModelSpec; weights: Weights; batch: Batch }): number {
  const gradients = (of: ReferenceWeights) => referenceGradients({ spec, weights: of }, batch, masksOf(spec)).gradients;
  return relativeErrors(gradients(nudge(weights)), gradients(weights));
}
