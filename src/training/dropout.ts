/** Dropout masks by address: every engine, thread and resumed run draws the same ones. Inverted scaling. */
import { createRandom } from '../core/random.ts';
import type { StepAddress } from './engine.ts';

export type DropoutPurpose = 'dropout' | 'recurrentDropout';

/** The stream of a layer's masks; a bidirectional layer has one a direction. */
export function dropoutStream(layerIndex: number, direction: 'forward' | 'backward' = 'forward'): number {
  return 2 * layerIndex + (direction === 'backward' ? 1 : 0);
}

/**
 * Element i is 0 when draw i is below `rate`, else 1 / (1 − rate).
 * Shapes: [rows, features] for a recurrent layer's inputs, [rows, units] for its hidden state,
 * the input's shape, [rows, time, features] or [rows, features], for a dropout layer.
 */
export function dropoutMask(
  address: StepAddress,
  purpose: DropoutPurpose,
  stream: number,
  rate: number,
  size: number,
): Float32Array {
  const random = createRandom({ ...address, purpose, stream });
  const kept = 1 / (1 - rate);
  return Float32Array.from({ length: size }, () => (random.uniform() < rate ? 0 : kept));
}
