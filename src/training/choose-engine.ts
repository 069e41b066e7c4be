/**
 * The engine of a run. What can never fit into memory is refused before the texts are encoded; engines that are timed
 * need the encoded texts, so the choice is made in two steps.
 */
import type { ModelPlan } from '../../models/plan.ts';
import type { Weights } from '../../models/weights.ts';
import type { Split } from '../data/split.ts';
import { batches } from './batches.ts';
import type { EncodedSet } from './encoded-set.ts';
import { selectFastest } from './engines/fastest.ts';
import { type Candidate, type SelectedEngine, selectEngine } from './engines/select.ts';
import {
  checkMemory,
  checkpointMemory,
  encodedMemory,
  type MemoryPlan,
  memoryRoom,
  memoryShortage,
  planMemory,
} from './memory.ts';
import type { RunOptions } from './options.ts';
import type { StepOptions } from './step-options.ts';

export interface EngineChoice {
  take(given: {
    readonly weights: Weights;
    readonly training: EncodedSet;
  }): Promise<SelectedEngine & { readonly memory: MemoryPlan }>;
}

/** @throws OPTION_UNSUPPORTED, MEMORY_TOO_SMALL */
export async function beginChoice(
  { spec }: ModelPlan,
  options: RunOptions,
  stepOptions: StepOptions,
  split: Split,
): Promise<EngineChoice> {
  const { optimiser, maxLength, batchSize, threads } = options;
  const load = { spec, optimiser, stepOptions, rows: Math.min(batchSize, split.train.length), time: maxLength };
  const request = { load, threads };
  const encodedRows = split.train.length + split.validation.length;
  const others = [encodedMemory(encodedRows, maxLength), checkpointMemory(load)];
  const room = memoryRoom();
  const memoryOf = (candidate: Candidate) => planMemory([...others, ...candidate.provider.memory(candidate.load)]);
  const chosen = options.engine === 'fastest' ? undefined : await selectEngine(options.engine, request);
  checkMemory(chosen ? memoryOf(chosen) : planMemory(others), room);
  return {
    async take({ weights, training }) {
      const trial = {
        ...options,
        weights,
        batches: () => batches(training, batchSize),
        refusal: (candidate: Candidate) => memoryShortage(memoryOf(candidate), room),
      };
      const selected = chosen ?? (await selectFastest(request, trial));
      return { ...selected, memory: memoryOf(selected) };
    },
  };
}
