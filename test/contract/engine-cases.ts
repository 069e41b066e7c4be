/** What stands around a random model that an engine is tried on: states, masks, and how an error is measured. */
import { expect } from 'vitest';
import type { ModelSpec } from '../../models/layers.ts';
import type { DropoutMasks } from '../../src/reference/reference.ts';
import { dropoutMask } from '../../src/training/dropout.ts';
import type { StepAddress } from '../../src/training/engine.ts';
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
    const recurrent = layer?.type === 'bidirectional' ? layer.layer : layer;
    return recurrent && 'recurrentDropout' in recurrent ? recurrent[purpose] : 0;
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
