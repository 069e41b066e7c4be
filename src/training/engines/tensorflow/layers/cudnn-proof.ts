/**
 * cuDNN proves itself on the user's device before a layer is given to it: outputs and all gradients of a small fixed
 * batch are held against the kernels of engine `wasm` on the CPU, which the contract suite holds against the float64
 * reference. Only where they agree does cuDNN compute; else the layer stays where it would be without, and the verdict
 * says why. So an error of ours, of a library's version or of a device costs time and no numbers.
 *
 * The direction of reading is that of the inputs and of no concern to cuDNN, and masks are lookups around it
 * (`places.ts`): neither needs a proof of its own.
 */
import type { Scalar, Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import { gates, recurrentParameters, stateNames } from '../../../../../models/plan.ts';
import { sizeOf } from '../../../../../models/weights.ts';
import { createRandom } from '../../../../core/random.ts';
import { availableBuilds } from '../../wasm/kernels.ts';
import { createLoneLayer } from '../../wasm/lone/layer.ts';
import type { Tensorflow } from '../backend.ts';
import type { NativeOps } from '../native.ts';
import { type CudnnMode, cudnnRnn } from './cudnn.ts';
import { isRecorded } from './with-gradient.ts';

export type CudnnVerdict =
  | {
      readonly taken: true;
      readonly mode: CudnnMode;
      /** The largest error of a tensor, of its largest value or of 1. */
      readonly off: number;
    }
  | { readonly taken: false; readonly reason: string };

/** Of the batch that is tried. */
const [rows, time] = [5, 6];
/** Units and features up to which the layer's own are tried: the weights of a wider one take seconds. */
const widest = 512;

/**
 * How far cuDNN may be off, of the largest value of a tensor or of 1. Sums of float32 in another order, and another
 * tanh, are some 1e-6; TF32, which rounds the factors of a product to 10 bits, some 1e-3. A gate, a bias or a transposition
 * that is mistaken is beyond both: a test makes each of these mistakes.
 */
function tolerance(): number {
  return process.env.NVIDIA_TF32_OVERRIDE === '0' ? 1e-4 : 1e-2;
}

export function proveCudnn(
  tf: Tensorflow,
  native: NativeOps,
  mode: CudnnMode,
  given: RecurrentLayer,
  features: number,
): CudnnVerdict {
  if (availableBuilds().length === 0) return refused('this machine has no WebAssembly SIMD to hold it against');
  const layer = {
    ...given,
    units: Math.min(given.units, widest),
    returnSequences: true,
    goBackwards: false,
    dropout: 0,
  };
  try {
    const wrongSize = compareSizes(tf, native, mode, given, features);
    if (wrongSize) return refused(wrongSize);
    const trial = drawTrial(layer, Math.min(features, widest));
    const errors = compare(runCudnn(tf, native, mode, layer, trial), runKernels(layer, trial), trial);
    const off = Math.max(...errors.map(({ error }) => error));
    const worst = errors.find(({ error }) => error === off);
    return off < tolerance()
      ? { taken: true, mode, off }
      : refused(`its ${worst?.name} is off by ${off.toPrecision(2)}, and ${tolerance()} is allowed`);
  } catch (error) {
    forgetTape(tf);
    return refused(reasonOf(error));
  }
}

const refused = (reason: string): CudnnVerdict => ({ taken: false, reason });

/** A gradient that fails leaves on TensorFlow.js' tape what was kept for it, and nobody else would free that. */
function forgetTape(tf: Tensorflow): void {
  if (isRecorded(tf)) return; // there is another around it, which will
  for (const { saved } of tf.engine().state.activeTape ?? []) tf.dispose(saved ?? []);
}

/** The first line of what TensorFlow says, without the attributes of the operation. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const said = /Message: (.*)/.exec(message)?.[1] ?? message;
  return (said.split('\n', 1)[0] as string).replace(/ = \w+\[.*\]/, '');
}

/** The length of the row of weights: cuDNN would read and write beyond a shorter one. @returns what is wrong with it */
function compareSizes(tf: Tensorflow, native: NativeOps, mode: CudnnMode, layer: RecurrentLayer, features: number) {
  const attributes = { T: 'float32', S: 'int32', rnn_mode: { text: mode } } as const;
  const sizes = [1, layer.units, features].map((size) => tf.scalar(size, 'int32'));
  const [found] = native.run('CudnnRNNParamsSize', attributes, sizes, 1) as [Tensor];
  const wanted = found.dataSync()[0];
  const ours = gates[layer.type] * layer.units * (features + layer.units + 2);
  return wanted === ours ? undefined : `it wants ${wanted} weights, and has ${ours}`;
}

interface Trial {
  /** Inputs [rows, time, features], weights in the order of the plan, states before the first step [rows, units]. */
  readonly given: readonly { readonly name: string; readonly shape: readonly number[]; readonly data: Float32Array }[];
  /** Gradient of the hidden states, [rows, time, units]. */
  readonly dHidden: Float32Array;
}

/** Numbers that keep every gate at work. */
function drawTrial(layer: RecurrentLayer, features: number): Trial {
  let stream = 0;
  const draw = (shape: readonly number[], bound: number) => {
    const random = createRandom({ seed: 0, purpose: 'initialise', stream: stream++ });
    return Float32Array.from({ length: sizeOf(shape) }, () => bound * (2 * random.uniform() - 1));
  };
  const sequence = [rows, time, features];
  const state = [rows, layer.units];
  return {
    given: [
      { name: 'inputs', shape: sequence, data: draw(sequence, 1) },
      ...recurrentParameters(layer, features, '').map(({ name, shape }) => ({
        name: name.slice(1).replace('_', ' '),
        shape,
        data: draw(shape, name === '/bias' ? 1 : 1.5 / Math.sqrt(shape[0] as number)),
      })),
      ...stateNames[layer.type].map((name) => ({ name: `state ${name}`, shape: state, data: draw(state, 1) })),
    ],
    dHidden: draw([rows, time, layer.units], 1),
  };
}

/** Hidden states, and gradients of all that was given: each [rows, …]. */
interface Outcome {
  readonly hidden: readonly Float32Array[];
  readonly gradients: readonly Float32Array[];
}

/** The hidden states twice: with what a gradient needs, and without. */
function runCudnn(tf: Tensorflow, native: NativeOps, mode: CudnnMode, layer: RecurrentLayer, trial: Trial): Outcome {
  const tensors = trial.given.map(({ shape, data }) => tf.tensor(data, [...shape]));
  const states = stateNames[layer.type].length;
  const hidden = ([x, ...others]: readonly Tensor[], training: boolean): Tensor3D => {
    const byTime = cudnnRnn(tf, native, {
      mode,
      x: tf.transpose(x as Tensor3D, [1, 0, 2]),
      weights: others.slice(0, -states),
      initial: others.slice(-states) as Tensor2D[],
      training,
    });
    return tf.transpose(byTime, [1, 0, 2]);
  };
  const weighting = tf.tensor(trial.dHidden, [rows, time, layer.units]);
  const values = (tensor: Tensor) => tensor.dataSync<'float32'>().slice();
  let whileTraining = new Float32Array();
  const { grads } = tf.valueAndGrads((...given: Tensor[]) => {
    const steps = hidden(given, true);
    whileTraining = values(steps);
    return tf.sum<Scalar>(tf.mul(steps, weighting));
  })(tensors);
  return { hidden: [whileTraining, values(hidden(tensors, false))], gradients: grads.map(values) };
}

function runKernels(layer: RecurrentLayer, { given, dHidden }: Trial): Outcome {
  const [x, ...others] = given.map(({ data }) => data) as [Float32Array, ...Float32Array[]];
  const states = stateNames[layer.type].length;
  const [weights, initial] = [others.slice(0, -states), others.slice(-states)];
  const lone = createLoneLayer(layer, 0);
  const features = given[0]?.shape[2] as number;
  const shape = { batch: rows, time, features, masked: false };
  const inputs = { x, weights, initial, mask: undefined, address: undefined };
  const { sequence } = lone.forward(shape, inputs);
  const hidden = (sequence as Float32Array).slice();
  const gradients = lone.backward(shape, inputs, { sequence: dHidden, last: [] });
  return { hidden: [hidden, hidden], gradients: [gradients.x, ...gradients.weights, ...gradients.initial] };
}

function compare(
  found: Outcome,
  expected: Outcome,
  { given }: Trial,
): { readonly name: string; readonly error: number }[] {
  const names = ['output', 'output in inference', ...given.map(({ name }) => `gradient of the ${name}`)];
  const all = ({ hidden, gradients }: Outcome) => [...hidden, ...gradients];
  return names.map((name, index) => {
    const values = all(expected)[index] as Float32Array;
    const others = all(found)[index] as Float32Array;
    const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const error = values.reduce((most, value, i) => Math.max(most, Math.abs(value - (others[i] as number))), 0) / scale;
    return { name, error: Number.isNaN(error) ? Number.POSITIVE_INFINITY : error };
  });
}
