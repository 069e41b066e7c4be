/** What a run will hold in memory, told and checked before it begins. */
import { totalmem } from 'node:os';
import { countParameters, planModel } from '../../models/plan.ts';
import { fail } from '../core/errors.ts';
import { formatBytes } from '../core/format-bytes.ts';
import type { EngineLoad, MemoryPart } from './engine.ts';
import { momentNames } from './optimisers.ts';

/** What a run will hold in memory. */
export interface MemoryPlan {
  /** All parts together. */
  readonly bytes: number;
  /** The largest first. */
  readonly parts: readonly MemoryPart[];
}

export function planMemory(parts: readonly MemoryPart[]): MemoryPlan {
  return {
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    parts: parts.toSorted((a, b) => b.bytes - a.bytes),
  };
}

/** Weights, their gradients and moments. @param copies of the gradients: one a thread, where each has its own */
export function parameterMemory({ spec, optimiser }: EngineLoad, copies = 1): MemoryPart {
  const bytes = 4 * countParameters(planModel(spec)) * (1 + copies + momentNames(optimiser).length);
  return { what: 'weights, gradients and moments', bytes };
}

/** Ids and targets of `rows` encoded texts. */
export function encodedMemory(rows: number, time: number): MemoryPart {
  return { what: 'encoded texts', bytes: 4 * rows * (time + 2) };
}

/** The best weights, the state that an engine gives out, and the bytes of `last.safetensors`, which has both. */
export function checkpointMemory({ spec, optimiser }: Pick<EngineLoad, 'spec' | 'optimiser'>): MemoryPart {
  const state = 1 + momentNames(optimiser).length;
  const bytes = 4 * countParameters(planModel(spec)) * (1 + state + (1 + state));
  return { what: 'best weights and checkpoint', bytes };
}

/**
 * Bytes that this process can still get: the machine's memory, or the limit of its container, less what the process
 * holds. Other programs are not asked: what they hold may be given free, so only what can never fit is refused.
 */
export function memoryRoom(): number {
  const limit = process.constrainedMemory(); // 0 without one, or larger than the machine
  const machine = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return machine - process.memoryUsage().rss;
}

/** @throws MEMORY_TOO_SMALL when `plan` does not fit into `room` bytes */
export function checkMemory(plan: MemoryPlan, room: number): void {
  const shortage = memoryShortage(plan, room);
  if (shortage !== undefined) {
    fail('MEMORY_TOO_SMALL', shortage, 'Use a smaller batch size, shorter texts, fewer units or another engine.');
  }
}

/** Why `plan` does not fit; undefined when it does. */
export function memoryShortage(plan: MemoryPlan, room: number): string | undefined {
  if (plan.bytes <= room) return undefined;
  return `training needs ${describeMemory(plan)} of memory, and there are ${formatBytes(Math.max(room, 0))}`;
}

/** `312 MB (encoded texts 240 MB, activations 50 MB, …)`: the largest three. */
export function describeMemory({ bytes, parts }: MemoryPlan): string {
  const named = parts.slice(0, 3).map((part) => `${part.what} ${formatBytes(part.bytes)}`);
  return `${formatBytes(bytes)} (${[...named, ...(parts.length > 3 ? ['…'] : [])].join(', ')})`;
}
