/**
 * Weights, gradients and moments at the beginning of the memory, each kind in one piece with the tensors in the same
 * order, so that the optimiser is one walk over all of them.
 */
import type { ModelPlan, ParameterSpec } from '../../../../models/plan.ts';
import { sizeOf, type Weights } from '../../../../models/weights.ts';
import { momentNames, type OptimiserOptions } from '../../optimisers.ts';
import type { Address, KernelMemory, Kernels } from './kernels.ts';

export interface Parameters {
  /** First address after them. */
  readonly end: Address;
  weight(name: string): Address;
  gradient(name: string): Address;
  clearGradients(kernels: Kernels): void;
  /** @param step updates done including this one, from 1 */
  update(kernels: Kernels, learningRate: number, step: number): void;
  writeWeights(memory: KernelMemory, weights: Weights): void;
  readWeights(memory: KernelMemory): Weights;
  writeMoments(memory: KernelMemory, moments: Moments): void;
  readMoments(memory: KernelMemory): Moments;
}

type Moments = ReadonlyMap<string, ReadonlyMap<string, Float32Array>>;

/** The kernels keep their constants before it, and address 0 means "none". */
const first = 4096;

export function layOutParameters(plan: ModelPlan, optimiser: OptimiserOptions): Parameters {
  const offsets = new Map<string, number>();
  let bytes = 0;
  for (const { name, shape } of plan.parameters) {
    offsets.set(name, bytes);
    bytes += 64 * Math.ceil((4 * sizeOf(shape)) / 64);
  }
  const kinds = momentNames(optimiser);
  const weights = first;
  const gradients = weights + bytes;
  const moments = kinds.map((_, index) => gradients + (index + 1) * bytes);
  const offsetOf = (name: string) => offsets.get(name) as number;

  const view = ({ buffer }: KernelMemory, block: Address, { name, shape }: ParameterSpec) =>
    new Float32Array(buffer, block + offsetOf(name), sizeOf(shape));

  return {
    end: gradients + (kinds.length + 1) * bytes,
    weight: (name) => weights + offsetOf(name),
    gradient: (name) => gradients + offsetOf(name),
    clearGradients: (kernels) => kernels.fill(gradients, 0, bytes),

    update: (kernels, learningRate, step) => {
      const [one = 0, two = 0] = moments;
      if (optimiser.type === 'adam') {
        const { beta1, beta2, epsilon } = optimiser;
        const rate = (learningRate * Math.sqrt(1 - beta2 ** step)) / (1 - beta1 ** step);
        kernels.adam(weights, gradients, one, two, bytes, rate, 1 - beta1, 1 - beta2, epsilon);
      } else if (optimiser.momentum === 0) {
        kernels.sgd(weights, gradients, bytes, learningRate);
      } else {
        kernels.momentumSgd(weights, gradients, one, bytes, learningRate, optimiser.momentum, optimiser.nesterov);
      }
    },

    writeWeights: (memory, from) => {
      for (const parameter of plan.parameters) {
        view(memory, weights, parameter).set(from.get(parameter.name)?.data ?? []);
      }
    },
    readWeights: (memory) =>
      new Map(
        plan.parameters.map((parameter) => [
          parameter.name,
          { shape: parameter.shape, data: view(memory, weights, parameter).slice() },
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
