/** What a walk through time needs of its cell: the kernels that walk, the recurrent kernel packed for them, and the products after them. */
import type { RecurrentLayer } from '../../../../models/layers.ts';
import { gates } from '../../../../models/plan.ts';
import type { Biases } from './biases.ts';
import type { Address } from './kernels.ts';
import type { WalkRecord } from './walk-record.ts';
import { valueBytes, type Workspace } from './workspace.ts';

export interface Cell {
  /** Its own fields of the record. */
  readonly record: WalkRecord;
  /** Packs the recurrent kernel for the products of this step. */
  readonly pack: () => void;
  readonly forward: (record: Address) => void;
  readonly backward: (record: Address) => void;
  /** Gradients of the recurrent kernel, and of the recurrent bias where it has one of its own. */
  readonly products: () => void;
}

export function createCell(
  workspace: Workspace,
  layer: RecurrentLayer,
  prefix: string,
  bias: Pick<Biases, 'recurrent' | 'recurrentGradient'>,
  previous: Address,
  sums: Address,
): Cell {
  const { kernels, positions } = workspace;
  const { units } = layer;
  const width = gates[layer.type] * units;
  const recurrentKernel = workspace.weight(`${prefix}/recurrent_kernel`); // [units, width]
  const gradient = workspace.gradient(`${prefix}/recurrent_kernel`);

  /** Columns from … from + count of the recurrent kernel, packed, and their transpose. */
  const packed = (from: number, count: number) => {
    const kernel = workspace.reserve(units * count);
    const transposed = workspace.reserve(units * count);
    const matrix = recurrentKernel + 4 * from;
    const pack = () => {
      kernels.pack(kernel, matrix, units, count, width, 1);
      kernels.pack(transposed, matrix, count, units, 1, width);
    };
    return { kernel, transposed, pack };
  };
  const scratch = workspace.outerScratch(units);
  const addOuter = (a: Address, b: Address, from: number, count: number) =>
    kernels.addOuter(gradient + 4 * from, a, b + valueBytes(from), units, count, positions, width, width, scratch);

  if (layer.type === 'gru' && !layer.resetAfter) {
    const gate = packed(0, 2 * units);
    const candidate = packed(2 * units, units);
    const reset = workspace.values(units, positions);
    return {
      record: {
        kernel: gate.kernel,
        kernelTransposed: gate.transposed,
        candidateKernel: candidate.kernel,
        candidateKernelTransposed: candidate.transposed,
        reset,
      },
      pack: () => {
        gate.pack();
        candidate.pack();
      },
      forward: kernels.gruResetBeforeForward,
      backward: kernels.gruResetBeforeBackward,
      products: () => {
        addOuter(previous, sums, 0, 2 * units);
        addOuter(reset, sums, 2 * units, units);
      },
    };
  }
  const { kernel, transposed, pack } = packed(0, width);
  if (layer.type === 'gru') {
    const recurrent = workspace.values(width, positions);
    return {
      record: { kernel, kernelTransposed: transposed, recurrent, recurrentBias: bias.recurrent },
      pack,
      forward: kernels.gruResetAfterForward,
      backward: kernels.gruResetAfterBackward,
      products: () => {
        addOuter(previous, recurrent, 0, width);
        if (bias.recurrent) kernels.addColumnSums(bias.recurrentGradient, recurrent, width, positions);
      },
    };
  }
  const isLstm = layer.type === 'lstm';
  return {
    record: { kernel, kernelTransposed: transposed },
    pack,
    forward: isLstm ? kernels.lstmForward : kernels.simpleRnnForward,
    backward: isLstm ? kernels.lstmBackward : kernels.simpleRnnBackward,
    products: () => addOuter(previous, sums, 0, width),
  };
}
