/** The part of an engine's memory that is the same in all of them. */
import { countParameters, planModel } from '../../models/plan.ts';
import type { EngineLoad, MemoryPart } from './engine.ts';
import { momentNames } from './optimisers.ts';

/** Weights, their gradients and moments. @param copies of the gradients: one a thread, where each has its own */
export function parameterMemory({ spec, optimiser }: EngineLoad, copies = 1): MemoryPart {
  const bytes = 4 * countParameters(planModel(spec)) * (1 + copies + momentNames(optimiser).length);
  return { what: 'weights, gradients and moments', bytes };
}
