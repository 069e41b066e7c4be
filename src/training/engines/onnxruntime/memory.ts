/** What the engine holds, worked out from the spec alone. */
import type { EngineLoad, MemoryPart } from '../../engine.ts';
import { parameterMemory } from '../../parameter-memory.ts';

export function engineMemory(load: EngineLoad): readonly MemoryPart[] {
  return [parameterMemory(load, load.threads)];
}
