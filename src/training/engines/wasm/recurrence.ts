/**
 * A recurrent layer in one direction: what happens before, around and after the kernel that walks through time.
 * The walk itself, with its cell, masks and recurrent dropout, is one kernel a pass; the large products with the
 * gradients of all steps stand outside it.
 *
 * At a masked step the output is the state carried over. Keras gives zeros there inside Bidirectional; no one can
 * tell, as every layer above skips the same steps.
 */
import type { RecurrentLayer } from '../../../../models/layers.ts';
import { gates, stateNames } from '../../../../models/plan.ts';
import type { Walk } from '../walk.ts';
import { biasesOf } from './biases.ts';
import { createCell } from './cells.ts';
import { dropInputs } from './drop-inputs.ts';
import { plannedMask } from './dropout-masks.ts';
import { type Address, activationCode } from './kernels.ts';
import { project } from './projection.ts';
import { type DenseSequence, denseSequence, type Sequence, type Stage, type Vector } from './signal.ts';
import { placeRecord } from './walk-record.ts';
import { valueBytes, type Workspace } from './workspace.ts';

/** A recurrent layer, and the states that it leaves. */
export interface RecurrentStage extends Stage<DenseSequence | Vector> {
  /** The hidden one first. */
  readonly last: readonly Vector[];
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
  walk: Pick<Walk, 'direction' | 'outputOrder'>,
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

  const record = placeRecord(workspace, {
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
  });

  return {
    output: output.signal,
    last: carry
      ? [lastHidden, { kind: 'vector', features: units, value: carry + last, gradient: carryGradient }]
      : [lastHidden],
    forward: () => {
      cell.pack();
      cell.forward(record);
      output.forward();
    },
    backward: () => {
      output.backward();
      cell.backward(record);
      cell.products();
    },
  };
}

interface Output {
  readonly signal: DenseSequence | Vector;
  /** Where the walk back reads the gradient of the state after each step; 0: only that of the last one counts. */
  readonly stateGradient: Address;
  readonly forward: () => void;
  readonly backward: () => void;
}

/** The states themselves where they are the output; a copy where the output is in the order of reading, from the end. */
function outputOf(
  workspace: Workspace,
  layer: RecurrentLayer,
  walk: Pick<Walk, 'direction' | 'outputOrder'>,
  leaving: Address,
  last: Vector,
): Output {
  const { kernels, time, groups, positions } = workspace;
  const { units: features } = layer;
  const alias = { forward: () => {}, backward: () => {} };
  if (!layer.returnSequences) return { ...alias, signal: last, stateGradient: 0 };
  const reversed = walk.outputOrder === 'reading' && walk.direction === 'backward';
  if (!reversed) {
    const gradient = workspace.gradients(features, positions);
    return { ...alias, signal: { kind: 'dense', features, value: leaving, gradient }, stateGradient: gradient };
  }
  const signal = denseSequence(workspace, features);
  const stateGradient = workspace.values(features, positions);
  const slot = valueBytes(features) * groups;
  return {
    signal,
    stateGradient,
    forward: () => kernels.reverse(signal.value, leaving, slot, time),
    backward: () => kernels.reverse(stateGradient, signal.gradient, slot, time),
  };
}
