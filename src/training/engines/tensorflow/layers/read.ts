/**
 * A recurrent layer over a sequence in one direction: dropout, mask, projection, and the walk through time. Time comes
 * first inside.
 */
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import { gates } from '../../../../../models/plan.ts';
import type { Tensorflow } from '../backend.ts';
import { nativeOps } from '../native.ts';
import { blockLstm } from './block-lstm.ts';
import { type CudnnMode, cudnnRnn } from './cudnn.ts';
import { judgeCudnn } from './cudnn-verdicts.ts';
import { dropFactors } from './drop.ts';
import { type Places, placesOf } from './places.ts';
import type { Recurrence } from './recurrence.ts';
import type { CallOptions } from './tensorflow-layer.ts';
import { isRecorded } from './with-gradient.ts';

export type Direction = 'forward' | 'backward';

export interface Reading {
  /** In the order of the plan: kernel, recurrent kernel and, if there is one, bias. */
  readonly weights: readonly Tensor[];
  /** [batch, time, features], or token ids [batch, time] that stand for one-hot rows. */
  readonly inputs: Tensor;
  readonly direction: Direction;
  /** States before the first step, the hidden one first, [batch, units] each. */
  readonly initial: readonly Tensor2D[];
  /** Whether the cell state of an LSTM is wanted too. */
  readonly withCell: boolean;
  /** Of the dropout masks. */
  readonly stream: number;
  /** What walks through time where TensorFlow has no operation that does. */
  readonly recurrence: Recurrence;
  readonly options: Pick<CallOptions, 'mask' | 'training' | 'address'>;
}

export interface States {
  /** The hidden one after each step, in the order of reading, [time, batch, units]. */
  all(): Tensor3D;
  /** After the last step, [batch, units] each: the hidden one and, if it is wanted, the cell state. */
  last(): Tensor2D[];
}

/** Call inside `tf.tidy`. */
export function read(tf: Tensorflow, layer: RecurrentLayer, reading: Reading): States {
  const { inputs, direction, options, initial } = reading;
  const [batch, time] = inputs.shape as [number, number];
  const { units } = layer;
  const places = options.mask ? placesOf(options.mask, direction === 'backward') : undefined;
  const walked = walk(tf, layer, reading, places);
  if (!places) {
    const last = (steps: Tensor3D) =>
      tf.reshape(tf.slice(steps, [time - 1, 0, 0], [1, batch, units]), [batch, units]) as Tensor2D;
    return { all: () => walked[0] as Tensor3D, last: () => walked.map(last) };
  }
  const readers = (from: number) => tf.tensor1d(places.readers.slice(from * batch), 'int32');
  const fromStart = walked.map((steps, state) => {
    const first = tf.expandDims(initial[state] as Tensor2D, 0) as Tensor3D;
    return tf.reshape(tf.concat3d([first, steps], 0), [(time + 1) * batch, units]) as Tensor2D;
  });
  return {
    all: () => tf.reshape(tf.gather(fromStart[0] as Tensor2D, readers(0)), [time, batch, units]),
    last: () => fromStart.map((states) => tf.gather(states, readers(time - 1))),
  };
}

/** The states after each step of the unmasked ones, side by side at the front. */
function walk(tf: Tensorflow, layer: RecurrentLayer, reading: Reading, places: Places | undefined): Tensor3D[] {
  const { weights, inputs, stream, options, initial, withCell } = reading;
  const [kernel, recurrentKernel, bias] = weights as [Tensor2D, Tensor2D, Tensor?];
  const [batch, time] = inputs.shape as [number, number];
  const { units } = layer;
  const features = kernel.shape[0];
  const inputFactors = dropFactors(tf, options, { purpose: 'dropout', stream, rate: layer.dropout }, [batch, features]);
  const dropped = dropFactors(tf, options, { purpose: 'recurrentDropout', stream, rate: layer.recurrentDropout }, [
    batch,
    units,
  ]) as Tensor2D | undefined;
  const steps = inOrder(tf, reading, places);

  const native = nativeOps(tf);
  const fused = steps.rank === 3 && !dropped ? fusedBy(tf, layer, reading, places) : undefined;
  if (native && fused) {
    const x: Tensor3D = inputFactors ? tf.mul(steps, tf.expandDims(inputFactors, 0)) : (steps as Tensor3D);
    if (fused !== 'block') {
      return [cudnnRnn(tf, native, { mode: fused, x, weights, initial, training: isRecorded(tf) })];
    }
    return blockLstm(tf, native, {
      x,
      kernel: tf.concat2d([kernel, recurrentKernel], 0),
      bias: wholeBias(tf, bias, 4 * units),
      initial,
      withCell,
    });
  }

  const project = steps.rank === 3 ? projectRows : lookUpRows;
  const { inside, candidateBias } = placeBias(tf, layer, bias);
  const product = project(tf, steps, kernel, inputFactors); // [time · batch, gates · units]
  const sums: Tensor2D = inside ? tf.add(product, inside) : product;
  return reading.recurrence(tf, layer, {
    sums: tf.reshape(sums, [time, batch, gates[layer.type] * units]),
    recurrentKernel,
    candidateBias,
    dropped,
    alive: places?.alive,
    initial,
    withCell,
  });
}

/** The operation of TensorFlow that takes the whole layer, rows of numbers given. */
function fusedBy(
  tf: Tensorflow,
  layer: RecurrentLayer,
  { weights, withCell }: Reading,
  places: Places | undefined,
): CudnnMode | 'block' | undefined {
  const inputs = { features: weights[0]?.shape[0] as number, masked: places !== undefined };
  const lacksCell = withCell && layer.type === 'lstm'; // cuDNN gives the last one alone
  const verdict = lacksCell ? undefined : judgeCudnn(tf, layer, inputs);
  if (verdict?.taken) return verdict.mode;
  return isFused(layer) ? 'block' : undefined;
}

export function isFused(layer: RecurrentLayer): boolean {
  return layer.type === 'lstm' && layer.activation === 'tanh' && layer.recurrentActivation === 'sigmoid';
}

/** The inputs in the order of reading, unmasked ones first: [time, batch, features], or ids [time, batch]. */
function inOrder(tf: Tensorflow, { inputs, direction }: Reading, places: Places | undefined): Tensor {
  const byTime = inputs.rank === 3 ? tf.transpose(inputs, [1, 0, 2]) : tf.transpose(inputs);
  const ordered = direction === 'backward' ? tf.reverse(byTime, 0) : byTime;
  if (!places) return ordered;
  const flat = tf.reshape(ordered, [places.sources.length, ...ordered.shape.slice(2)]);
  return tf.reshape(tf.gather(flat, tf.tensor1d(places.sources, 'int32')), ordered.shape);
}

/** @param steps [time, batch, features] @param factors of dropout, [batch, features] */
function projectRows(tf: Tensorflow, steps: Tensor, kernel: Tensor2D, factors: Tensor | undefined): Tensor2D {
  const x = factors ? tf.mul(steps, tf.expandDims(factors, 0)) : steps;
  return tf.matMul(tf.reshape(x, [-1, kernel.shape[0]]) as Tensor2D, kernel);
}

/**
 * A product with one-hot rows picks rows of the kernel, and dropout multiplies them by what it made of the one.
 *
 * @param steps ids, [time, batch]
 */
function lookUpRows(tf: Tensorflow, steps: Tensor, kernel: Tensor2D, factors: Tensor | undefined): Tensor2D {
  const rows = tf.gather(kernel, tf.reshape(steps, [-1]) as Tensor1D);
  if (!factors) return rows;
  const [batch, features] = factors.shape as [number, number];
  const places = tf.add(steps, tf.mul(tf.range(0, batch, 1, 'int32'), features));
  const scale = tf.gather(tf.reshape(factors, [-1]), tf.reshape(tf.cast(places, 'int32'), [-1]) as Tensor1D);
  return tf.mul(rows, tf.expandDims(scale, 1));
}

/** One vector [width] for a layer whose halves, if it has two, are just added. */
function wholeBias(tf: Tensorflow, bias: Tensor | undefined, width: number): Tensor1D {
  if (!bias) return tf.zeros([width]);
  return bias.rank === 2 ? tf.sum(bias, 0) : (bias as Tensor1D);
}

interface PlacedBias {
  /** Added to the inputs' product, [gates · units]. */
  readonly inside: Tensor1D | undefined;
  /** Added to the recurrent product of a GRU's candidate, where the reset gate multiplies it, [units]. */
  readonly candidateBias: Tensor1D | undefined;
}

function placeBias(tf: Tensorflow, layer: RecurrentLayer, bias: Tensor | undefined): PlacedBias {
  if (!bias) return { inside: undefined, candidateBias: undefined };
  if (layer.type !== 'gru' || !layer.resetAfter || bias.rank !== 2) {
    return { inside: wholeBias(tf, bias, 0), candidateBias: undefined };
  }
  const { units } = layer;
  const [ofInputs, ofState] = tf.unstack(bias) as [Tensor1D, Tensor1D];
  const [ofGates, ofCandidate] = tf.split(ofState, [2 * units, units]) as [Tensor1D, Tensor1D];
  return {
    inside: tf.add(ofInputs, tf.pad(ofGates, [[0, units]])),
    candidateBias: ofCandidate,
  };
}
