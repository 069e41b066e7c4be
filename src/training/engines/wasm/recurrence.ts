/**
 * A recurrent layer in one direction: what happens before, around and after the kernel that walks through time.
 * The walk itself, with its cell, masks and recurrent dropout, is one kernel a pass; the large products with the
 * gradients of all steps stand outside it.
 */
import { type Activation, activations } from '../../../../models/activations.ts';
import type { RecurrentLayer } from '../../../../models/layers.ts';
import { gates, stateNames } from '../../../../models/plan.ts';
import type { Address } from './kernels.ts';
import { denseSequence, densify, project } from './projection.ts';
import type { DenseSequence, Sequence, Stage, Vector } from './signal.ts';
import { drawMask, plannedMask, valueBytes, type Workspace } from './workspace.ts';

/** How a layer is walked, beyond its own options. */
export interface Walk {
  readonly direction: 'forward' | 'backward';
  /** Order of the outputs of all steps: `reading` is Keras' for goBackwards, `time` that of bidirectional. */
  readonly outputOrder: 'reading' | 'time';
  /** Output of masked steps: that of the step before, or zeros as inside Keras' Bidirectional. */
  readonly maskedOutput: 'repeat' | 'zero';
  /** Of the dropout masks. */
  readonly stream: number;
}

/** The record of assembly/recurrence.ts, field by field in the same order. */
type Record = { readonly [Field in (typeof recordFields)[number]]?: number };
const recordFields = [
  'units',
  'time',
  'groups',
  'backwards',
  'activation',
  'recurrentActivation',
  'gates',
  'recurrent',
  'reset',
  'hidden',
  'carry',
  'carryOut',
  'previous',
  'recurrentMask',
  'mask',
  'kernel',
  'kernelTransposed',
  'candidateKernel',
  'candidateKernelTransposed',
  'recurrentBias',
  'outputGradient',
  'hiddenGradient',
  'carryGradient',
  'previousGradient',
  'resetGradient',
] as const;

/** A recurrent layer, and the states that it leaves. */
export interface RecurrentStage extends Stage<DenseSequence | Vector> {
  readonly last: {
    readonly hidden: Vector;
    /** Of an LSTM. */
    readonly carry: Vector | undefined;
  };
}

/** The gradients of the last states, zero or added to before the way back, are those of the initial states after it. */
export function recur(
  workspace: Workspace,
  layer: RecurrentLayer,
  prefix: string,
  input: Sequence,
  walk: Walk,
): RecurrentStage {
  const { groups, positions, batch } = workspace;
  const { units } = layer;
  const width = gates[layer.type] * units;

  const entered = dropInputs(workspace, layer, input, walk.stream);
  const sums = workspace.values(width, positions);
  const bias = biasesOf(workspace, layer, prefix);
  const projection = project(
    workspace,
    entered.output,
    {
      kernel: workspace.weight(`${prefix}/kernel`),
      kernelGradient: workspace.gradient(`${prefix}/kernel`),
      bias: bias.input,
      biasGradient: bias.inputGradient,
    },
    sums,
    width,
  );
  const dropped =
    layer.recurrentDropout > 0
      ? plannedMask(workspace, 'recurrentDropout', walk.stream, layer.recurrentDropout, units, batch.rowOf, groups)
      : { mask: 0, draw: () => {} };
  const { recurrent, recurrentGradient } = bias;
  const entering = { sums, recurrentMask: dropped.mask, recurrentBias: recurrent, recurrentGradient };
  const walked = walkThroughTime(workspace, layer, prefix, entering, walk);

  return {
    ...walked,
    forward: () => {
      entered.forward();
      bias.forward();
      projection.forward();
      dropped.draw();
      walked.forward();
    },
    backward: () => {
      walked.backward();
      projection.backward();
      bias.backward();
      entered.backward();
    },
  };
}

/** What the walk through time begins with. */
export interface Entering {
  /** Inputs times the kernel plus biases, [time][group][gates · units]; on the way back their gradients. */
  readonly sums: Address;
  /** What recurrent dropout multiplies the state by, [group][units]; 0: nothing. */
  readonly recurrentMask: Address;
  /** Of a GRU with reset after: what is added to h·U, [gates · units]; 0: nothing. */
  readonly recurrentBias: Address;
  readonly recurrentGradient: Address;
}

/** The part of a recurrent layer that has an order: the kernel that walks, and the products with the recurrent kernel. */
export function walkThroughTime(
  workspace: Workspace,
  layer: RecurrentLayer,
  prefix: string,
  { sums, recurrentMask, recurrentBias, recurrentGradient }: Entering,
  walk: Pick<Walk, 'direction' | 'outputOrder' | 'maskedOutput'>,
): RecurrentStage {
  const { time, groups, positions, batch } = workspace;
  const { units } = layer;
  const slot = valueBytes(units) * groups; // bytes of one step's state
  const backwards = walk.direction === 'backward';

  const hidden = workspace.values(units, (time + 1) * groups);
  const carry = layer.type === 'lstm' ? workspace.values(units, (time + 1) * groups) : 0;
  const begin = backwards ? time * slot : 0; // the slot of the states before the first step
  for (const [index, name] of stateNames[layer.type].entries()) {
    workspace.initialStates.push({ name: `${prefix}/${name}`, units, at: (index === 0 ? hidden : carry) + begin });
  }
  const entering = backwards ? hidden + slot : hidden; // as a sequence in the order of time
  const leaving = backwards ? hidden : hidden + slot;
  const last = backwards ? 0 : time * slot; // the slot of the states after the last step

  const previous = recurrentMask ? workspace.values(units, positions) : entering;
  const hiddenGradient = workspace.gradients(units, groups);
  const carryGradient = layer.type === 'lstm' ? workspace.gradients(units, groups) : 0;
  const lastHidden: Vector = { kind: 'vector', features: units, value: hidden + last, gradient: hiddenGradient };
  const output = outputOf(workspace, layer, walk, leaving, lastHidden);
  const bias = { recurrent: recurrentBias, recurrentGradient };
  const cell = createCell(workspace, layer, prefix, bias, previous, sums);

  const record: Record = {
    units,
    time,
    groups,
    backwards: backwards ? 1 : 0,
    activation: activationCode(layer.activation),
    recurrentActivation: layer.type === 'simpleRnn' ? 0 : activationCode(layer.recurrentActivation),
    gates: sums,
    hidden,
    carry,
    carryOut: layer.type === 'lstm' ? workspace.values(units, positions) : 0,
    previous,
    recurrentMask,
    mask: batch.mask,
    outputGradient: output.stateGradient,
    hiddenGradient,
    carryGradient,
    previousGradient: workspace.values(units, 1),
    resetGradient: workspace.values(units, 1),
    ...cell.record,
  };
  const place = workspace.reserve(recordFields.length);
  workspace.onEnter(({ buffer }) => {
    new Int32Array(buffer, place, recordFields.length).set(recordFields.map((field) => record[field] ?? 0));
  });

  return {
    output: output.signal,
    last: {
      hidden: lastHidden,
      carry: carry ? { kind: 'vector', features: units, value: carry + last, gradient: carryGradient } : undefined,
    },
    forward: () => {
      cell.pack();
      cell.forward(place);
      output.forward();
    },
    backward: () => {
      output.backward();
      cell.backward(place);
      cell.products();
    },
  };
}

export function activationCode(activation: Activation): number {
  return activations.indexOf(activation);
}

/** The same sequence with each row's inputs multiplied by one mask for all steps. */
function dropInputs(workspace: Workspace, layer: RecurrentLayer, input: Sequence, stream: number): Stage<Sequence> {
  if (layer.dropout === 0) return { output: input, forward: () => {}, backward: () => {} };
  const { kernels, rows, groups, positions, batch, pass } = workspace;
  const { features } = input;

  if (input.kind === 'oneHot') {
    const drawn = workspace.reserve(rows * features);
    const scale = workspace.values(1, positions);
    return {
      output: { ...input, scale },
      forward: () => {
        if (!pass.address) return kernels.fill(scale, 1, valueBytes(1) * positions);
        drawMask(workspace, drawn, pass.address, 'dropout', stream, layer.dropout, features);
        kernels.pickScales(scale, drawn, batch.ids, batch.rowOf, features, positions * 8, groups * 8);
      },
      backward: () => {},
    };
  }

  const kept = densify(workspace, input);
  const output = denseSequence(workspace, features);
  const { mask, draw } = plannedMask(workspace, 'dropout', stream, layer.dropout, features, batch.rowOf, groups);
  const step = valueBytes(features) * groups;
  const bytes = valueBytes(features) * positions;
  return {
    output,
    forward: () => {
      kept.forward();
      draw();
      kernels.multiply(output.value, kept.output.value, mask, step, bytes);
    },
    backward: () => {
      kernels.addMultiplied(kept.output.gradient, output.gradient, mask, step, bytes);
      kept.backward();
    },
  };
}

interface Biases {
  /** [gates · units]: what is added to x·W. */
  readonly input: Address;
  readonly inputGradient: Address;
  /** GRU with reset after: what is added to h·U. */
  readonly recurrent: Address;
  readonly recurrentGradient: Address;
  readonly forward: () => void;
  readonly backward: () => void;
}

/** Of a double bias both halves enter with the input, as one, except where a reset gate stands between them. */
function biasesOf(workspace: Workspace, layer: RecurrentLayer, prefix: string): Biases {
  const none = {
    input: 0,
    inputGradient: 0,
    recurrent: 0,
    recurrentGradient: 0,
    forward: () => {},
    backward: () => {},
  };
  if (layer.bias === 'none') return none;
  const { kernels } = workspace;
  const width = gates[layer.type] * layer.units;
  const input = workspace.weight(`${prefix}/bias`);
  const inputGradient = workspace.gradient(`${prefix}/bias`);
  if (layer.bias === 'single') return { ...none, input, inputGradient };
  const recurrent = input + 4 * width;
  const recurrentGradient = inputGradient + 4 * width;
  if (layer.type === 'gru' && layer.resetAfter) return { ...none, input, inputGradient, recurrent, recurrentGradient };
  const sum = workspace.reserve(width);
  return {
    ...none,
    input: sum,
    inputGradient,
    forward: () => {
      kernels.fill(sum, 0, 4 * width);
      kernels.addVector(sum, input, width);
      kernels.addVector(sum, recurrent, width);
    },
    backward: () => kernels.addVector(recurrentGradient, inputGradient, width),
  };
}

interface Output {
  readonly signal: DenseSequence | Vector;
  /** Where the walk back reads the gradient of the state after each step; 0: only that of the last one counts. */
  readonly stateGradient: Address;
  readonly forward: () => void;
  readonly backward: () => void;
}

/** The states themselves where they are the output; a copy where order or masked steps make the two differ. */
function outputOf(
  workspace: Workspace,
  layer: RecurrentLayer,
  walk: Pick<Walk, 'direction' | 'outputOrder' | 'maskedOutput'>,
  leaving: Address,
  last: Vector,
): Output {
  const { kernels, time, groups, positions, batch } = workspace;
  const { units: features } = layer;
  const alias = { forward: () => {}, backward: () => {} };
  if (!layer.returnSequences) return { ...alias, signal: last, stateGradient: 0 };
  const reversed = walk.outputOrder === 'reading' && walk.direction === 'backward';
  const silenced = walk.maskedOutput === 'zero' && batch.mask !== 0;
  if (!reversed && !silenced) {
    const gradient = workspace.gradients(features, positions);
    return { ...alias, signal: { kind: 'dense', features, value: leaving, gradient }, stateGradient: gradient };
  }
  const signal = denseSequence(workspace, features);
  const stateGradient = workspace.values(features, positions);
  const copy = (to: Address, from: Address) =>
    reversed
      ? kernels.reverse(to, from, valueBytes(features) * groups, time)
      : kernels.silence(to, from, batch.mask, features, positions);
  return {
    signal,
    stateGradient,
    forward: () => copy(signal.value, leaving),
    backward: () => copy(stateGradient, signal.gradient),
  };
}

interface Cell {
  readonly record: Record;
  /** Packs the recurrent kernel for the products of this step. */
  readonly pack: () => void;
  readonly forward: (record: Address) => void;
  readonly backward: (record: Address) => void;
  /** Gradients of the recurrent kernel, and of the recurrent bias where it has one of its own. */
  readonly products: () => void;
}

function createCell(
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
