/**
 * Optimisers in the form of `optimisers.ts`. On the native library they are TensorFlow's own operations, which work in
 * place on its variables, on the device; on the `cpu` backend the ones of the `js` engine.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import { momentNames, type OptimiserOptions, type OptimiserState, ratesOf, updateWeight } from '../../optimisers.ts';
import type { Tensorflow } from './backend.ts';
import { type Attributes, type NativeOps, nativeOps } from './native.ts';
import type { Variables } from './variables.ts';

export interface Updates {
  /** Moves every weight. @param gradients by name; none: zero */
  apply(gradients: ReadonlyMap<string, Tensor>, learningRate: number): void;
  /** A copy. */
  state(): OptimiserState;
  /** Takes over the moments, and the weights as they are in the variables now. */
  restore(state: OptimiserState): void;
  dispose(): void;
}

/** Begins with the weights that the variables have now, and moments of zero. */
export function createUpdates(tf: Tensorflow, options: OptimiserOptions, variables: Variables): Updates {
  const native = nativeOps(tf);
  const kinds = momentNames(options);
  const slots = [...variables].map(([name, variable]) => ({
    name,
    slot: native ? nativeSlot(tf, native, options, variable) : plainSlot(tf, options, variable),
  }));
  let step = 0;
  return {
    apply(gradients, learningRate) {
      step++;
      tf.tidy(() => {
        const scalars = new Map<number, Tensor>();
        const scalar = (value: number) => {
          const known = scalars.get(value) ?? tf.scalar(value);
          scalars.set(value, known);
          return known;
        };
        for (const { name, slot } of slots) {
          const gradient = gradients.get(name) ?? tf.zeros((variables.get(name) as LayerVariable).shape as number[]);
          slot.apply(gradient, { learningRate, step, scalar });
        }
      });
    },
    state() {
      const read = slots.map(({ name, slot }) => [name, slot.moments()] as const);
      const moments = kinds.map(
        (kind, k) => [kind, new Map(read.map(([name, own]) => [name, own[k] as Float32Array]))] as const,
      );
      return { step, moments: new Map(moments) };
    },
    restore(state) {
      step = state.step;
      for (const { name, slot } of slots) {
        slot.restore(kinds.map((kind) => state.moments.get(kind)?.get(name) as Float32Array));
      }
    },
    dispose() {
      for (const { slot } of slots) slot.dispose();
    },
  };
}

/** One update of all weights. */
interface Update {
  readonly learningRate: number;
  /** From 1. */
  readonly step: number;
  /** A number as a tensor, made once for all weights. */
  readonly scalar: (value: number) => Tensor;
}

/** One weight with its moments, in the order of `momentNames`. */
interface Slot {
  apply(gradient: Tensor, update: Update): void;
  moments(): Float32Array[];
  restore(moments: readonly Float32Array[]): void;
  dispose(): void;
}

function plainSlot(tf: Tensorflow, options: OptimiserOptions, variable: LayerVariable): Slot {
  const shape = variable.shape as number[];
  const { size } = variable.read();
  let moments = momentNames(options).map(() => new Float32Array(size));
  return {
    apply(gradient, { learningRate, step }) {
      const weight = variable.read().dataSync<'float32'>().slice();
      updateWeight(options, learningRate, step, weight, gradient.dataSync<'float32'>(), moments);
      variable.write(tf.tensor(weight, shape));
    },
    moments: () => moments.map((moment) => moment.slice()),
    restore: (given) => {
      moments = given.map((moment) => moment.slice());
    },
    dispose: () => {},
  };
}

/** The name by which TensorFlow makes a variable that belongs to its handle alone, and is freed with it. */
const anonymous = 'cd2c89b7-88b7-44c8-ad83-06c2a9158347';

function nativeSlot(tf: Tensorflow, native: NativeOps, options: OptimiserOptions, variable: LayerVariable): Slot {
  const shape = variable.shape as number[];
  const create = (): Tensor => {
    const attributes = { container: { text: '' }, shared_name: { text: anonymous }, dtype: 'float32', shape } as const;
    const [handle] = native.run('VarHandleOp', attributes, [], 1) as [Tensor];
    return tf.keep(handle);
  };
  const assign = (handle: Tensor, value: Tensor) => {
    native.run('AssignVariableOp', { dtype: 'float32', validate_shape: true }, [handle, value], 0);
  };
  const read = (handle: Tensor): Tensor => native.run('ReadVariableOp', { dtype: 'float32' }, [handle], 1)[0] as Tensor;

  const weight = create();
  const moments = momentNames(options).map(create);
  // TensorFlow's RMSprop keeps a momentum too: of a share 0 it is nothing but the last move
  const scratch = options.type === 'rmsprop' ? [create()] : [];
  tf.tidy(() => {
    assign(weight, variable.read());
    for (const moment of [...moments, ...scratch]) assign(moment, tf.zeros(shape));
  });

  return {
    apply(gradient, { learningRate, step, scalar }) {
      const { name, attributes, operands } = nativeUpdate(options, learningRate, step, gradient);
      const inputs = operands.map((operand) => (typeof operand === 'number' ? scalar(operand) : operand));
      native.run(
        name,
        { T: 'float32', use_locking: false, ...attributes },
        [weight, ...moments, ...scratch, ...inputs],
        0,
      );
      variable.write(read(weight));
    },
    moments: () => tf.tidy(() => moments.map((moment) => read(moment).dataSync<'float32'>().slice())),
    restore(given) {
      tf.tidy(() => {
        assign(weight, variable.read());
        for (const [k, moment] of moments.entries())
          assign(moment, tf.tensor((given[k] as Float32Array).slice(), shape));
      });
    },
    dispose: () => tf.dispose([weight, ...moments, ...scratch]),
  };
}

interface NativeUpdate {
  readonly name: string;
  readonly attributes: Attributes;
  /** After the weight and its moments. */
  readonly operands: readonly (number | Tensor)[];
}

/** TensorFlow's operation for one update. */
function nativeUpdate(options: OptimiserOptions, learningRate: number, step: number, gradient: Tensor): NativeUpdate {
  if (options.type === 'rmsprop') {
    const operands = [learningRate, options.rho, 0, options.epsilon, gradient];
    return { name: 'ResourceApplyRMSProp', attributes: {}, operands };
  }
  if (options.type !== 'sgd') {
    const [beta1, beta2] = [Math.fround(options.beta1), Math.fround(options.beta2)];
    // The correction of the rate is computed here, in float64, of the numbers that the operation gets, so that it undoes
    // what they do to the moments. With powers of zero the operation applies none itself.
    const { rate, epsilon } = ratesOf({ ...options, beta1, beta2 }, learningRate, step);
    const operands = [0, 0, rate, beta1, beta2, epsilon, gradient];
    return { name: 'ResourceApplyAdam', attributes: { use_nesterov: false }, operands };
  }
  const { momentum, nesterov } = options;
  if (momentum === 0) {
    return { name: 'ResourceApplyGradientDescent', attributes: {}, operands: [learningRate, gradient] };
  }
  const operands = [learningRate, gradient, momentum];
  return { name: 'ResourceApplyKerasMomentum', attributes: { use_nesterov: nesterov }, operands };
}
