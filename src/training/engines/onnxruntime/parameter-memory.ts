/**
 * Weights, moments and gradients in one WebAssembly memory that all threads see: the kernels of engine wasm update them
 * where they lie, ten times as fast as JavaScript does.
 */
import { type Address, firstFree, type KernelMemory, loadKernels } from '../wasm/kernels.ts';
import { reserveMemory } from '../wasm/reserve-memory.ts';
import type { ParameterLayout } from './parameter-layout.ts';

/** Addresses in the memory. All sizes in bytes. */
export interface ParameterPlaces {
  readonly weights: Address;
  readonly moments: readonly Address[];
  /** Of whole parameters, of the first thread; those of the others follow, `stride` apart. */
  readonly gradients: Address;
  readonly stride: number;
  /** Of each thread: gradients of a piece of a table, for as many shares as there are threads. */
  readonly pieces: readonly Address[];
  readonly end: Address;
}

export interface ParameterMemory {
  readonly places: ParameterPlaces;
  /** What a thread instantiates over the same memory. */
  readonly module: unknown;
  readonly memory: KernelMemory;
  /** In the layout, as are the others. */
  readonly weights: Float32Array;
  readonly moments: readonly Float32Array[];
  /** Of each thread, those of whole parameters. */
  readonly gradients: readonly Float32Array[];
}

/** Values of a piece of a table: as many as stay in the cache. */
export const pieceLength = 4096;

export function placeParameters(
  { length, wholeLength }: Pick<ParameterLayout, 'length' | 'wholeLength'>,
  moments: number,
  threads: number,
): ParameterPlaces {
  const at = (values: number) => firstFree + 4 * values;
  const kinds = 1 + moments;
  const afterGradients = kinds * length + threads * wholeLength;
  return {
    weights: at(0),
    moments: Array.from({ length: moments }, (_, kind) => at((1 + kind) * length)),
    gradients: at(kinds * length),
    stride: 4 * wholeLength,
    pieces: Array.from({ length: threads }, (_, thread) => at(afterGradients + thread * threads * pieceLength)),
    end: at(afterGradients + threads * threads * pieceLength),
  };
}

/** @param moments kinds of moments @throws OPTION_UNSUPPORTED when they do not fit */
export async function reserveParameters(
  layout: ParameterLayout,
  moments: number,
  threads: number,
): Promise<ParameterMemory> {
  const places = placeParameters(layout, moments, threads);
  // plain: an update waits for memory, and gives the same bytes on every machine
  const { module, memory } = await loadKernels('plain');
  reserveMemory(memory, places.end, 'the memory of weights, moments and gradients');
  const values = (at: Address, length: number) => new Float32Array(memory.buffer, at, length);
  return {
    places,
    module,
    memory,
    weights: values(places.weights, layout.length),
    moments: places.moments.map((at) => values(at, layout.length)),
    gradients: places.pieces.map((_, thread) => values(places.gradients + thread * places.stride, layout.wholeLength)),
  };
}
