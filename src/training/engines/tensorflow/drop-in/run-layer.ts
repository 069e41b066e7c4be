/** Where a recurrent layer is computed: by TensorFlow's own operations, or by the kernels of engine `wasm`. */
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import type { StepAddress } from '../../../engine.ts';
import { availableBuilds } from '../../wasm/kernels.ts';
import { createLoneLayer, type LoneLayer } from '../../wasm/lone/layer.ts';
import type { Tensorflow } from '../backend.ts';
import { isFused, read } from '../layers/read.ts';
import { recurrence } from '../layers/recurrence.ts';
import { withGradient } from '../layers/with-gradient.ts';
import { nativeBackend } from '../native.ts';

export interface LayerCall {
  readonly layer: RecurrentLayer;
  /** Kernel, recurrent kernel and, if there is one, bias. */
  readonly weights: readonly Tensor[];
  readonly x: Tensor3D; // [batch, time, features]
  readonly mask: Tensor2D | null; // [batch, time]
  /** Hidden state, and the cell state of an LSTM, [batch, units] each. */
  readonly initial: readonly Tensor2D[];
  /** Of the dropout masks; undefined outside training. */
  readonly address: StepAddress | undefined;
  /** Whether the last states are wanted besides the output. */
  readonly withStates: boolean;
}

export interface LayerResult {
  /** [batch, time, units] with `returnSequences`, else [batch, units] */
  readonly output: Tensor;
  /** As `initial`; none unless wanted. */
  readonly states: readonly Tensor2D[];
}

export type RunLayer = (tf: Tensorflow, call: LayerCall) => LayerResult;

/** Every call has its own step, so all layers can draw from one stream. */
const stream = 0;

/** How the layer is computed on the current backend, or why it cannot be. */
export function placeLayer(tf: Tensorflow, layer: RecurrentLayer, kernels: Kernels): RunLayer | string {
  const native = nativeBackend(tf);
  if (native) {
    const dropsStates = layer.recurrentDropout > 0;
    return native.isUsingGpuDevice || (isFused(layer) && !dropsStates) || !kernels.exist ? runOperations : kernels.run;
  }
  if (tf.getBackend() !== 'cpu') return `backend ${tf.getBackend()} has no fused operations`;
  return kernels.exist ? kernels.run : 'this machine has no WebAssembly SIMD';
}

const runOperations: RunLayer = (tf, { layer, weights, x, mask, initial, address, withStates }) => {
  const states = read(tf, layer, {
    weights,
    inputs: x,
    direction: layer.goBackwards ? 'backward' : 'forward',
    initial,
    withCell: withStates,
    stream,
    recurrence,
    options: { mask, training: address !== undefined, ...(address && { address }) },
  });
  const last = withStates || !layer.returnSequences ? states.last() : [];
  const output = layer.returnSequences ? tf.transpose(states.all(), [1, 0, 2]) : (last[0] as Tensor);
  return { output, states: withStates ? last : [] };
};

export interface Kernels {
  readonly exist: boolean;
  readonly run: RunLayer;
}

/** The kernels for one layer, with a memory of its own. */
export function kernelsOf(): Kernels {
  let made: { readonly layer: RecurrentLayer; readonly lone: LoneLayer } | undefined;
  const loneFor = (layer: RecurrentLayer) => {
    if (made && JSON.stringify(made.layer) === JSON.stringify(layer)) return made.lone;
    const lone = createLoneLayer(layer, stream);
    made = { layer, lone };
    return lone;
  };

  return {
    exist: availableBuilds().length > 0,
    run: (tf, { layer, weights, x, mask, initial, address, withStates }) => {
      const lone = loneFor(layer);
      const [batch, time, features] = x.shape;
      const shape = { batch, time, features, masked: mask !== null };
      const { units } = layer;
      const values = (tensor: Tensor) => tensor.dataSync<'float32'>();
      const inputs = {
        x: values(x),
        weights: weights.map(values),
        initial: initial.map(values),
        mask: mask?.dataSync(),
        address,
      };
      const given: Tensor[] = [x, ...weights, ...initial];
      const results = withGradient(tf, given, () => {
        const { sequence, last } = lone.forward(shape, inputs);
        const states = last.slice(0, withStates ? last.length : sequence ? 0 : 1);
        return {
          results: [
            ...(sequence ? [tf.tensor3d(sequence, [batch, time, units])] : []),
            ...states.map((state) => tf.tensor2d(state, [batch, units])),
          ],
          kept: [],
          gradient: (dy) => {
            const given = dy.map(values);
            const gradients = lone.backward(shape, inputs, {
              sequence: sequence && given[0],
              last: sequence ? given.slice(1) : given,
            });
            const { x: dx, weights: dWeights, initial: dInitial } = gradients;
            return [
              tf.tensor3d(dx, [batch, time, features]),
              ...dWeights.map((gradient, index) => tf.tensor(gradient, weights[index]?.shape as number[])),
              ...dInitial.map((gradient) => tf.tensor2d(gradient, [batch, units])),
            ];
          },
        };
      });
      const states = (layer.returnSequences ? results.slice(1) : results) as Tensor2D[];
      return { output: results[0] as Tensor, states: withStates ? states : [] };
    },
  };
}
