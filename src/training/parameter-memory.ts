/** The part of an engine's memory that is the same in all of them. */
import { planModel } from '../../models/plan.ts';
import { sizeOf } from '../../models/weights.ts';
import type { EngineLoad, MemoryPart } from './engine.ts';
import { momentNames } from './optimisers.ts';

/** Weights, their gradients and moments. @param copies of the gradients: one a thread, where each has its own */
export function parameterMemory({ spec, optimiser }: EngineLoad, copies = 1): MemoryPart {
  const values = planModel(spec).parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const bytes = 4 * values * (1 + copies + momentNames(optimiser).length);
  return { what: 'weights, gradients and moments', bytes };
}
