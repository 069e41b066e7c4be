/**
 * Weights, moments and gradients at the beginning of the memory, each kind in one piece with the tensors in the same
 * order, so that the optimiser is one walk over all of them. Each thread has gradients of its own.
 */
import type { ModelPlan, ParameterSpec } from '../../../../models/plan.ts';
import { sizeOf, type Weights } from '../../../../models/weights.ts';
import { momentNames, type OptimiserOptions, ratesOf } from '../../optimisers.ts';
import type { Address, KernelMemory, Kernels } from './kernels.ts';
import { moveWeights } from './move-weights.ts';

export interface Parameters {
  /** First address after them. */
  readonly end: Address;
  /** Of the weights, and as many of each moment and of each thread's gradients. */
  readonly bytes: number;
  weight(name: string): Address;
  gradient(name: string, thread: number): Address;
  /** Adds the gradients of all threads up in those of the first, and gives them with their weights, in place. */
  gather(memory: KernelMemory): { name: string; weight: Float32Array; gradient: Float32Array }[];
  /**
   * Moves the weights that lie in part `part` of `parts` by the gradients of all threads, which become zero.
   *
   * @param step updates done including this one, from 1
   */
  update(kernels: Kernels, learningRate: number, step: number, part: number, parts: number): void;
  writeWeights(memory: KernelMemory, weights: Weights): void;
  readWeights(memory: KernelMemory): Weights;
  writeMoments(memory: KernelMemory, moments: Moments): void;
  readMoments(memory: KernelMemory): Moments;
}

type Moments = ReadonlyMap<string, ReadonlyMap<string, Float32Array>>;

const lineBytes = 64;

export function layOutParameters(
  plan: ModelPlan,
  optimiser: OptimiserOptions,
  threads: number,
  begin: Address,
): Parameters {
  const offsets = new Map<string, number>();
  let bytes = 0;
  for (const { name, shape } of plan.parameters) {
    offsets.set(name, bytes);
    bytes += lineBytes * Math.ceil((4 * sizeOf(shape)) / lineBytes);
  }
  const kinds = momentNames(optimiser);
  const moments = kinds.map((_, index) => begin + (index + 1) * bytes);
  const gradients = begin + (kinds.length + 1) * bytes;
  const offsetOf = (name: string) => offsets.get(name) as number;

  const view = ({ buffer }: KernelMemory, block: Address, { name, shape }: ParameterSpec) =>
    new Float32Array(buffer, block + offsetOf(name), sizeOf(shape));

  return {
    end: gradients + threads * bytes,
    bytes,
    weight: (name) => begin + offsetOf(name),
    gradient: (name, thread) => gradients + thread * bytes + offsetOf(name),

    gather: (memory) =>
      plan.parameters.map((parameter) => {
        const [gradient, ...others] = Array.from({ length: threads }, (_, thread) =>
          view(memory, gradients + thread * bytes, parameter),
        ) as [Float32Array, ...Float32Array[]];
        for (const other of others) {
          for (let i = 0; i < gradient.length; i++) gradient[i] = (gradient[i] as number) + (other[i] as number);
          other.fill(0);
        }
        return { name: parameter.name, weight: view(memory, begin, parameter), gradient };
      }),

    update: (kernels, learningRate, step, part, parts) => {
      const cut = (place: number) => lineBytes * Math.round(((bytes / lineBytes) * place) / parts);
      const from = cut(part);
      const count = cut(part + 1) - from;
      moveWeights(kernels, optimiser, ratesOf(optimiser, learningRate, step), {
        weights: begin + from,
        gradients: gradients + from,
        shares: threads,
        stride: bytes,
        moments: moments.map((at) => at + from),
        bytes: count,
      });
    },

    writeWeights: (memory, from) => {
      for (const parameter of plan.parameters) {
        view(memory, begin, parameter).set(from.get(parameter.name)?.data ?? []);
      }
    },
    readWeights: (memory) =>
      new Map(
        plan.parameters.map((parameter) => [
          parameter.name,
          { shape: parameter.shape, data: view(memory, begin, parameter).slice() },
        ]),
      ),
    writeMoments: (memory, from) => {
      kinds.forEach((kind, index) => {
        for (const parameter of plan.parameters) {
          view(memory, moments[index] as Address, parameter).set(from.get(kind)?.get(parameter.name) ?? []);
        }
      });
    },
    readMoments: (memory) =>
      new Map(
        kinds.map((kind, index) => [
          kind,
          new Map(
            plan.parameters.map((parameter) => [
              parameter.name,
              view(memory, moments[index] as Address, parameter).slice(),
            ]),
          ),
        ]),
      ),
  };
}
