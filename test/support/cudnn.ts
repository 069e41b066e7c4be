/**
 * cuDNN's recurrent layers in float64, from the equations and the places of the weights that its documentation gives
 * (cudnnRNNMode_t, cudnnGetRNNWeightParams), and a device that has nothing but them. It stands for the hardware where
 * there is none; everything else is real: TensorFlow's library, its operations, its tape.
 */
import type { Tensorflow } from '../../src/training/engines/tensorflow/backend.ts';
import { nativeBackend } from '../../src/training/engines/tensorflow/native.ts';
import { type Binding, type Changes, changeBinding, type Held } from './tensorflow-binding.ts';

export interface Sizes {
  readonly time: number;
  readonly batch: number;
  readonly features: number;
  readonly units: number;
}

export interface Inputs {
  readonly x: Float64Array; // [time, batch, features]
  readonly params: Float64Array;
  readonly h: Float64Array; // [batch, units]
  readonly c: Float64Array; // [batch, units], of an LSTM
}

export interface Outputs {
  readonly output: Float64Array; // [time, batch, units]
  readonly h: Float64Array;
  readonly c: Float64Array;
}

const gateCount: Readonly<Record<string, number>> = { rnn_tanh: 1, rnn_relu: 1, lstm: 4, gru: 3 };

export function paramsSize(mode: string, units: number, features: number): number {
  return (gateCount[mode] as number) * units * (features + units + 2);
}

const sigmoid = (value: number) => 1 / (1 + Math.exp(-value));

export function cudnnForward(
  mode: string,
  { time, batch, features, units }: Sizes,
  { x, params, h, c }: Inputs,
): Outputs {
  const gates = gateCount[mode] as number;
  const recurrentAt = gates * units * features;
  const biasAt = recurrentAt + gates * units * units;
  const output = new Float64Array(time * batch * units);
  let [hidden, cell] = [h, c];
  for (let t = 0; t < time; t++) {
    const nextHidden = new Float64Array(batch * units);
    const nextCell = new Float64Array(cell.length);
    for (let row = 0; row < batch; row++) {
      for (let unit = 0; unit < units; unit++) {
        /** W x + b_W of a gate. */
        const ofInput = (gate: number) => {
          let sum = params[biasAt + gate * units + unit] as number;
          for (let f = 0; f < features; f++) {
            const weight = params[(gate * units + unit) * features + f] as number;
            sum += weight * (x[(t * batch + row) * features + f] as number);
          }
          return sum;
        };
        /** R h + b_R of a gate. */
        const ofState = (gate: number) => {
          let sum = params[biasAt + (gates + gate) * units + unit] as number;
          for (let other = 0; other < units; other++) {
            const weight = params[recurrentAt + (gate * units + unit) * units + other] as number;
            sum += weight * (hidden[row * units + other] as number);
          }
          return sum;
        };
        const both = (gate: number) => ofInput(gate) + ofState(gate);
        const at = row * units + unit;
        if (mode === 'lstm') {
          const [i, f, o] = [sigmoid(both(0)), sigmoid(both(1)), sigmoid(both(3))];
          nextCell[at] = f * (cell[at] as number) + i * Math.tanh(both(2));
          nextHidden[at] = o * Math.tanh(nextCell[at] as number);
        } else if (mode === 'gru') {
          const [r, i] = [sigmoid(both(0)), sigmoid(both(1))];
          const candidate = Math.tanh(ofInput(2) + r * ofState(2));
          nextHidden[at] = (1 - i) * candidate + i * (hidden[at] as number);
        } else {
          nextHidden[at] = mode === 'rnn_relu' ? Math.max(0, both(0)) : Math.tanh(both(0));
        }
      }
    }
    [hidden, cell] = [nextHidden, nextCell];
    output.set(hidden, t * batch * units);
  }
  return { output, h: hidden, c: cell };
}

/** Gradients of all inputs, by central differences: in float64 they are right to 1e-9, and there is nothing to derive. */
function cudnnBackward(mode: string, sizes: Sizes, inputs: Inputs, given: Outputs): Inputs {
  const value = () => {
    const found = cudnnForward(mode, sizes, inputs);
    const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, one, i) => sum + one * (b[i] as number), 0);
    return dot(found.output, given.output) + dot(found.h, given.h) + dot(found.c, given.c);
  };
  const step = 1e-6;
  const slopes = (of: Float64Array) =>
    of.map((_, i) => {
      const middle = of[i] as number;
      const [above, below] = [step, -step].map((by) => {
        of[i] = middle + by;
        return value();
      }) as [number, number];
      of[i] = middle;
      return (above - below) / (2 * step);
    });
  return { x: slopes(inputs.x), params: slopes(inputs.params), h: slopes(inputs.h), c: slopes(inputs.c) };
}

const int8 = 6; // of TensorFlow's enumeration

/**
 * Takes the machine for one with a GPU, until `end`.
 *
 * @param device `none`: cuDNN's operations fail as they do here, for want of a kernel. Else they are emulated, and what
 *   it makes of the row of weights is what they compute with: a mistake of a library, or of ours
 */
export function pretendGpu(
  tf: Tensorflow,
  device: 'none' | ((params: Float64Array, mode: string) => Float64Array),
): { readonly end: () => void } {
  const backend = nativeBackend(tf) as { isUsingGpuDevice: boolean };
  const changed = changeBinding(tf, (real) => (device === 'none' ? {} : emulated(real, device)));
  backend.isUsingGpuDevice = true;
  return {
    end: () => {
      backend.isUsingGpuDevice = false;
      changed.end();
    },
  };
}

function emulated(real: Binding, device: (params: Float64Array, mode: string) => Float64Array): Changes {
  const shapes = new Map<number, readonly number[]>();
  const note = (held: Held): Held => {
    shapes.set(held.id, held.shape);
    return held;
  };
  const createTensor: Binding['createTensor'] = (shape, dtype, values) =>
    note({ id: real.createTensor(shape, dtype, values), shape, dtype }).id;
  const create = (shape: readonly number[], values: ArrayLike<number>): Held => {
    const dtype = real.TF_FLOAT;
    return { id: createTensor(shape, dtype, Float32Array.from(values)), shape, dtype };
  };
  const cast = (id: number, from: number, to: number): Held => {
    const types = { SrcT: from, DstT: to };
    const attributes = Object.entries(types).map(([name, value]) => ({ name, type: real.TF_ATTR_TYPE, value }));
    return note(real.executeOp('Cast', attributes, [id], 1)[0] as Held);
  };
  const valuesOf = (id: number) => Float64Array.from(real.tensorDataSync(id));
  const shapeOf = (id: number) => shapes.get(id) as [number, number, number];

  function size(mode: string, ids: readonly number[]): Held[] {
    const [, units, features] = ids.map((id) => valuesOf(id)[0]) as [number, number, number];
    const found = Int32Array.of(paramsSize(mode, units, features));
    return [{ id: createTensor([], real.TF_INT32, found), shape: [], dtype: real.TF_INT32 }];
  }

  /** What both operations begin with. */
  function begin(mode: string, ids: readonly number[]) {
    const [x, h, c, params, lengths] = ids.slice(0, 5).map(valuesOf) as Five;
    const [time, batch, features] = shapeOf(ids[0] as number);
    const [layers, rows, units] = shapeOf(ids[1] as number);
    if (layers !== 1 || rows !== batch || lengths.length !== batch || lengths.some((length) => length !== time)) {
      throw new Error(`${layers} layers of ${rows} rows, lengths ${lengths}`);
    }
    const state = (values: Float64Array) => create([1, batch, units], values);
    return {
      sizes: { time, batch, features, units },
      inputs: { x, h, c, params: device(params, mode) },
      state,
      cell: (values: Float64Array) => (mode === 'lstm' ? state(values) : create([], [0])),
    };
  }

  function forward(mode: string, ids: readonly number[], training: boolean): Held[] {
    const { sizes, inputs, state, cell } = begin(mode, ids);
    const found = cudnnForward(mode, sizes, inputs);
    const output = create([sizes.time, sizes.batch, sizes.units], found.output);
    const reserved = training ? kept : [0];
    const host = cast(create([reserved.length], reserved).id, real.TF_FLOAT, int8);
    return [output, state(found.h), cell(found.c), create([reserved.length], reserved), host];
  }

  function backward(mode: string, ids: readonly number[]): Held[] {
    const { sizes, inputs, state, cell } = begin(mode, ids);
    const [dOutput, dHidden, dCell, reserved] = ids.slice(8, 12).map(valuesOf) as Five;
    const host = valuesOf(cast(ids[12] as number, int8, real.TF_FLOAT).id);
    if (reserved.join() !== kept.join() || host.join() !== kept.join()) throw new Error('not what was kept');
    const found = cudnnBackward(mode, sizes, inputs, { output: dOutput, h: dHidden, c: dCell });
    const { time, batch, features } = sizes;
    const params = create([found.params.length], found.params);
    return [create([time, batch, features], found.x), state(found.h), cell(found.c), params];
  }

  return {
    createTensor,
    executeOp: (name, attributes, ids, outputs) => {
      const given = (name: string) => attributes.find((one) => one.name === name)?.value;
      const mode = given('rnn_mode') as string;
      if (name === 'CudnnRNNParamsSize') return size(mode, ids);
      if (name === 'CudnnRNNV3') return forward(mode, ids, given('is_training') === true);
      if (name === 'CudnnRNNBackpropV3') return backward(mode, ids);
      return real.executeOp(name, attributes, ids, outputs).map(note);
    },
  };
}

/** What the way forward hands to the way back. */
const kept = [-1, 7, 3];

type Five = [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
