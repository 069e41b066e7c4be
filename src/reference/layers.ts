/**
 * Every layer of the closed union, forward. A signal is an array of matrices, one a time step, each
 * [rows, features]; after the time dimension is gone the array has one element.
 */
import type { Layer, LayerOf, RecurrentLayer } from '../../models/layers.ts';
import { bindCell, type State } from './cells.ts';
import { elementwise } from './elementwise.ts';
import { inFull, type Matrix, matrix, type OneHot, type Operations } from './operations.ts';

export type Signal = readonly (Matrix | OneHot)[];

/**
 * Dropout masks of a training step, given by the caller: factors 0 or 1 / (1 − rate).
 * `stream` is 2 · (index of the layer), plus 1 for the backward direction of a bidirectional layer.
 * `size` is rows · features for `dropout` and rows · units for `recurrentDropout` of a recurrent layer (one mask
 * for all steps), and that of its whole input, [rows, time, features] or [rows, features], for a dropout layer.
 * Asked once for each mask whose rate is above 0.
 */
export type DropoutMasks = (
  stream: number,
  purpose: 'dropout' | 'recurrentDropout',
  size: number,
  rate: number,
) => ArrayLike<number>;

export interface Context {
  readonly operations: Operations;
  /** By name of parameter; a vector is a matrix of one row. */
  readonly weight: (name: string) => Matrix;
  /** For each time step, 1 for the rows whose id counts; undefined where nothing is masked. */
  readonly present: readonly Uint8Array[] | undefined;
  /** Undefined outside training: nothing is dropped. */
  readonly masks: DropoutMasks | undefined;
  /** A state before the first step, [rows, units]; undefined: zeros. */
  readonly initial: (name: string) => ArrayLike<number> | undefined;
  /** Index of the layer in the model. */
  readonly index: number;
}

type Forward<L extends Layer> = (layer: L, input: Signal, context: Context) => Signal;

/** What `layer` makes of `input`. */
export function forwardLayer(layer: Layer, input: Signal, context: Context): Signal {
  return (forward[layer.type] as Forward<Layer>)(layer, input, context);
}

const forward = {
  /** A lookup in a table: the one-hot row of the id times the table. */
  embedding({ name }, ids, { operations, weight }) {
    const table = weight(`${name}/embeddings`);
    return ids.map((id) => operations.matmul(id, table));
  },

  /** Ids come in as one-hot rows already. */
  oneHot: (_, ids) => ids,

  simpleRnn: recurrent,
  lstm: recurrent,
  gru: recurrent,

  /**
   * The layer twice, each with weights of its own: one reads from the start, one from the end; their outputs are
   * merged. With all steps returned, the second's are put back in the order of the input and masked steps are zeros.
   */
  bidirectional({ name, layer, mergeMode }, input, context) {
    const { operations, present, index } = context;
    const ahead = read(layer, `${name}/forward`, 2 * index, input, context);
    const back = read({ ...layer, goBackwards: true }, `${name}/backward`, 2 * index + 1, input, context);
    const merged = (layer.returnSequences ? back.toReversed() : back).map((y, step) =>
      merge[mergeMode](operations, ahead[step] as Matrix, y),
    );
    if (!present || !layer.returnSequences) return merged;
    return merged.map((x, step) => operations.scaleRows(x, present[step] as Uint8Array));
  },

  dropout({ rate }, input, { operations, masks, index }) {
    if (!masks || rate === 0) return input;
    const time = input.length;
    const { rows, columns } = input[0] as Matrix | OneHot;
    const factors = masks(2 * index, 'dropout', rows * time * columns, rate); // [rows, time, features]
    return input.map((x, step) => {
      const ofStep = new Float64Array(rows * columns);
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          ofStep[row * columns + column] = factors[(row * time + step) * columns + column] as number;
        }
      }
      return operations.mask(x, ofStep);
    });
  },

  /** Over the steps that count; a row without any gives zeros. (Keras' own GlobalMaxPooling1D does not see masks.) */
  pooling({ kind }, input, { operations, present }) {
    const steps = input.map(inFull);
    const { rows } = steps[0] as Matrix;
    const counted = present ?? steps.map(() => new Uint8Array(rows).fill(1));
    if (kind === 'max') return [operations.largest(steps, counted)];
    const kept = steps.map((x, step) => operations.scaleRows(x, counted[step] as Uint8Array));
    const share = Float64Array.from({ length: rows }, (_, row) => {
      const count = counted.reduce((total, here) => total + (here[row] as number), 0);
      return count && 1 / count;
    });
    return [operations.scaleRows(operations.sum(...(kept as [Matrix, ...Matrix[]])), share)];
  },

  /** φ(x W + b) */
  dense({ name, activation, useBias }, [x], { operations: { matmul, sum, map, softmax }, weight }) {
    const product = matmul(x as Matrix, weight(`${name}/kernel`));
    const y = useBias ? sum(product, weight(`${name}/bias`)) : product;
    return [activation === 'softmax' ? softmax(y) : map(y, elementwise[activation])];
  },
} as const satisfies { [T in Layer['type']]: Forward<LayerOf<T>> };

function recurrent(layer: RecurrentLayer, input: Signal, context: Context): Signal {
  return read(layer, layer.name, 2 * context.index, input, context);
}

/**
 * Reads a sequence step by step, from its end with `goBackwards`. Outputs are in the order of reading: all of them,
 * or the last. At a masked step the state passes unchanged, and the output of the step is that state again; so a
 * row without any step that counts ends in the initial state.
 */
function read(layer: RecurrentLayer, prefix: string, stream: number, input: Signal, context: Context): Matrix[] {
  const { operations, weight, present, masks, initial } = context;
  const { rows, columns } = input[0] as Matrix | OneHot;

  const inputMask = layer.dropout > 0 && masks?.(stream, 'dropout', rows * columns, layer.dropout);
  const stateMask =
    layer.recurrentDropout > 0 && masks?.(stream, 'recurrentDropout', rows * layer.units, layer.recurrentDropout);
  const inputFactors = inputMask && Float64Array.from(inputMask);
  const stateFactors = stateMask && matrix(rows, layer.units, Float64Array.from(stateMask));

  const cell = bindCell(operations, layer, {
    kernel: weight(`${prefix}/kernel`),
    recurrentKernel: weight(`${prefix}/recurrent_kernel`),
    bias: layer.bias === 'none' ? undefined : weight(`${prefix}/bias`),
    dropState: (h) => (stateFactors ? operations.multiply(h, stateFactors) : h),
  });

  const stateBefore = (name: string) =>
    matrix(rows, layer.units, Float64Array.from(initial(`${prefix}/${name}`) ?? new Float64Array(rows * layer.units)));
  let state: State = [stateBefore('h'), stateBefore('c')];
  const outputs: Matrix[] = [];
  const steps = input.map((_, step) => step);
  for (const step of layer.goBackwards ? steps.toReversed() : steps) {
    const x = input[step] as Matrix | OneHot;
    const [h, c] = cell(inputFactors ? operations.mask(x, inputFactors) : x, state);
    const here = present?.[step];
    state = here ? [operations.select(here, h, state[0]), operations.select(here, c, state[1])] : [h, c];
    outputs.push(state[0]);
  }
  return layer.returnSequences ? outputs : outputs.slice(-1);
}

type Merge = (operations: Operations, x: Matrix, y: Matrix) => Matrix;

const merge = {
  concat: ({ concat }, x, y) => concat(x, y),
  sum: ({ sum }, x, y) => sum(x, y),
  mul: ({ multiply }, x, y) => multiply(x, y),
  ave: ({ sum, map }, x, y) => map(sum(x, y), { value: (total) => total / 2, slope: () => 0.5 }),
} as const satisfies Record<LayerOf<'bidirectional'>['mergeMode'], Merge>;
