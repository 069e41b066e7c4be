/**
 * The walk of a recurrent layer through time: one forward Scan and one backward Scan a direction, the same for every
 * kind of cell. Direction, masks, recurrent dropout and which states become the output are settled here; what happens
 * inside a step is the cell's affair. All that needs no order stands outside the loops.
 *
 * At a masked step the output is the state carried over. Keras gives zeros there inside Bidirectional; no one can
 * tell, as every layer above skips the same steps.
 */
import type { AttributeInput } from '../../../../../exporters/graph/builder.ts';
import type { Value } from '../../../../../exporters/graph/graph.ts';
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import { gates, stateNames as namesOfStates } from '../../../../../models/plan.ts';
import type { Walk } from '../../walk.ts';
import { flatten, sumOf } from './arithmetic.ts';
import { declareBiasGradient, inputBias } from './biases.ts';
import type { Cell } from './cells/cell.ts';
import { gruCell } from './cells/gru.ts';
import { lstmCell } from './cells/lstm.ts';
import { simpleRnnCell } from './cells/simple-rnn.ts';
import { dropInputs } from './drop-inputs.ts';
import type { Pass } from './pass.ts';
import { type Projection, project } from './projection.ts';
import type { DenseSequence, Forwarded, Sequence, Vector } from './signal.ts';

export function recur(
  root: Pass,
  layer: RecurrentLayer,
  prefix: string,
  input: Sequence,
  walk: Walk,
): Forwarded<DenseSequence | Vector> {
  const pass: Pass = { ...root, g: root.g.scope(prefix) };
  const { g } = pass;
  const { units, returnSequences } = layer;

  const entered = dropInputs(pass, input, walk.stream, layer.dropout);
  const rowMask = pass.dropout('recurrentDropout', walk.stream, layer.recurrentDropout, 'row', units);
  const keep = rowMask === undefined ? undefined : g.transpose(rowMask, [1, 0]); // [units, rows]
  const bias = inputBias(pass, layer, prefix);
  const projection = project(pass, entered.output, `${prefix}/kernel`, bias, gates[layer.type] * units);
  const cell = createCell(pass, layer, prefix);
  const read = walk.direction === 'backward' ? 1 : 0;
  const loop: Loop = {
    pass,
    layer,
    prefix,
    projection,
    cell,
    keep,
    stateNames: namesOfStates[layer.type],
    savedNames: Array.from({ length: cell.savedCount }, (_, k) => `saved${k}`),
    read,
    written: walk.outputOrder === 'time' ? read : 0,
  };

  const walked = walkForward(loop);
  const output: DenseSequence | Vector = returnSequences
    ? { kind: 'dense', features: units, value: walked.steps as Value, learns: true }
    : { kind: 'vector', features: units, value: g.transpose(walked.last[0] as Value, [1, 0]), learns: true };

  return {
    output,
    backward: (gradient) => {
      const stacked = walkBack(loop, walked.saved, gradient);
      const [previous, ...factors] = walked.factors.map((value) => flatten(g, value, units)) as [Value, ...Value[]];
      const sums = stacked.map((value, k) => flatten(g, value, cell.sumHeights[k] as number));
      const gradients = cell.finish({ previous, factors, sums });
      declareBiasGradient(pass, layer, prefix, gradients);
      const below = projection.backward(gradients.input);
      return below === undefined ? undefined : entered.backward(below);
    },
  };
}

/** What the loops through time and back have in common. Inside, a state is [units, rows] (see `cells/cell.ts`). */
interface Loop {
  readonly pass: Pass;
  readonly layer: RecurrentLayer;
  readonly prefix: string;
  readonly projection: Projection;
  readonly cell: Cell;
  /** Recurrent dropout, [units, rows]. */
  readonly keep: Value | undefined;
  readonly stateNames: readonly string[];
  readonly savedNames: readonly string[];
  /** Direction of the walk, and that in which outputs of all steps are written; 1 is ONNX' sign for "from the end". */
  readonly read: 0 | 1;
  readonly written: 0 | 1;
}

interface WalkedForward {
  /** The last states, each [units, rows]. */
  readonly last: readonly Value[];
  /** The hidden state of every step, [time, rows, units], where they are the output. */
  readonly steps: Value | undefined;
  /** `previous` and the factors of the cell, each [time, rows, units]; in training. */
  readonly factors: readonly Value[];
  /** What the cell saved for the way back, each [time, units, rows]; in training. */
  readonly saved: readonly Value[];
}

function walkForward({ pass, layer, prefix, projection, cell, keep, ...loop }: Loop): WalkedForward {
  const { g, mode, mask } = pass;
  const { units, returnSequences } = layer;
  const { stateNames, savedNames, read, written } = loop;
  const trains = mode === 'training';
  const outputs = scan(pass, 'forward', {
    states: stateNames.map((name) => g.transpose(pass.initialState(`${prefix}/${name}`, units), [1, 0])),
    scanned: [...projection.scanned.map(({ value }) => value), ...(mask === undefined ? [] : [mask])],
    scannedFrom: () => read,
    fill(b) {
      const states = stateNames.map((name) => b.input(name, 'float32', [units, 'rows']));
      const step = projection.scanned.map(({ name, dataType, shape }) => b.input(name, dataType, ['rows', ...shape]));
      const counts = mask === undefined ? undefined : b.input('counts', 'bool', ['rows']);
      const hidden = states[0] as Value;
      const previous = keep === undefined ? hidden : b.mul(hidden, keep);
      const stepped = cell.forward(b, { input: b.transpose(projection.at(b, step), [1, 0]), previous, states });
      const next = stepped.states.map((value, k) =>
        counts === undefined ? value : b.where(counts, value, states[k] as Value),
      );
      next.forEach((value, k) => {
        b.output(`next${k}`, value, 'float32', [units, 'rows']);
      });
      if (returnSequences) b.output('hidden', b.transpose(next[0] as Value, [1, 0]), 'float32', ['rows', units]);
      if (!trains) return;
      for (const value of [previous, ...stepped.factors]) {
        b.output('factor', b.transpose(value, [1, 0]), 'float32', ['rows', units]);
      }
      stepped.save().forEach((value, k) => {
        b.output(savedNames[k] as string, value, 'float32', [units, 'rows']);
      });
    },
    outputs: [
      ...(returnSequences ? [written] : []),
      ...(trains ? Array.from({ length: 1 + cell.factorCount + cell.savedCount }, () => read) : []),
    ],
  });
  const rest = [...outputs];
  const take = (count: number) => rest.splice(0, count);
  return {
    last: take(stateNames.length),
    steps: take(returnSequences ? 1 : 0)[0],
    factors: take(trains ? 1 + cell.factorCount : 0),
    saved: rest,
  };
}

/** @returns the gradients of sums that the cell lists, each [time, rows, height] */
function walkBack({ pass, layer, cell, keep, ...loop }: Loop, saved: readonly Value[], gradient: Value) {
  const { g, mask } = pass;
  const { units, returnSequences } = layer;
  const { stateNames, savedNames, read, written } = loop;
  const outputs = scan(pass, 'backward', {
    states: stateNames.map((_, k) =>
      k === 0 && !returnSequences
        ? g.transpose(gradient, [1, 0])
        : g.node('Expand', [g.float32(0), stateShape(pass, units)]),
    ),
    scanned: [...saved, ...(mask === undefined ? [] : [mask]), ...(returnSequences ? [gradient] : [])],
    scannedFrom: (value) => 1 - (value === gradient ? written : read),
    fill(b) {
      const leaving = stateNames.map((name) => b.input(name, 'float32', [units, 'rows']));
      const kept = savedNames.map((name) => b.input(name, 'float32', [units, 'rows']));
      const counts = mask === undefined ? undefined : b.input('counts', 'bool', ['rows']);
      if (returnSequences) {
        const own = b.input('gradient', 'float32', ['rows', units]);
        leaving[0] = b.add(leaving[0] as Value, b.transpose(own, [1, 0]));
      }
      // a masked row's gradients pass by the cell untouched
      const working = leaving.map((value) => (counts === undefined ? value : b.where(counts, value, b.float32(0))));
      const back = cell.backward(b, working, kept);
      const through = keep === undefined ? back.previous : b.mul(back.previous, keep);
      back.states.forEach((direct, k) => {
        const value = sumOf(b, direct, k === 0 ? through : undefined) as Value;
        const next = counts === undefined ? value : b.where(counts, value, leaving[k] as Value);
        b.output(`next${k}`, next, 'float32', [units, 'rows']);
      });
      back.sums.forEach((value, k) => {
        b.output('sums', b.transpose(value, [1, 0]), 'float32', ['rows', cell.sumHeights[k] as number]);
      });
    },
    outputs: cell.sumHeights.map(() => 1 - read),
  });
  return outputs.slice(stateNames.length);
}

interface ScanParts {
  readonly states: readonly Value[];
  readonly scanned: readonly Value[];
  /** 1 where a scanned value is read from its end. */
  readonly scannedFrom: (value: Value) => number;
  readonly fill: Parameters<Pass['g']['body']>[1];
  /** For each output beyond the states: 1 where it is written from its end. */
  readonly outputs: readonly number[];
}

/** @returns the last states, then the stacked outputs */
function scan({ g }: Pass, name: string, parts: ScanParts): readonly Value[] {
  const { states, scanned, scannedFrom, fill, outputs } = parts;
  const attributes: Record<string, AttributeInput> = {
    body: g.body(name, fill),
    num_scan_inputs: scanned.length,
    scan_input_directions: scanned.map(scannedFrom),
  };
  if (outputs.length > 0) attributes.scan_output_directions = outputs;
  return g.nodes(
    'Scan',
    [...states, ...scanned],
    attributes,
    [...states, ...outputs].map(() => true),
  );
}

/** [units, rows] */
function stateShape({ g, index }: Pass, units: number): Value {
  return g.concat([g.int64([units]), g.gather(g.shape(index), g.int64([1]), 0)], 0);
}

function createCell(pass: Pass, layer: RecurrentLayer, prefix: string): Cell {
  switch (layer.type) {
    case 'simpleRnn':
      return simpleRnnCell(pass, layer, prefix);
    case 'lstm':
      return lstmCell(pass, layer, prefix);
    case 'gru':
      return gruCell(pass, layer, prefix);
  }
}
