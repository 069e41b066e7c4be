/** SimpleRNN, LSTM and GRU with the conventions of the spec; masks as in Keras 3. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayerVariable, Shape } from '@tensorflow/tfjs-layers';
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import type { Tensorflow } from '../backend.ts';
import { initialStates } from './initial-states.ts';
import { read } from './read.ts';
import { recurrence } from './recurrence.ts';
import { type CallOptions, type LayerClass, single, singleShape } from './tensorflow-layer.ts';
import { weightShapes } from './weights.ts';

export interface RecurrentConfig {
  readonly name: string;
  readonly layer: RecurrentLayer;
  /** The inputs are token ids that stand for one-hot rows of this length; null for [batch, time, features]. */
  readonly oneHotDepth: number | null;
  /** Of the dropout masks: `dropoutStream` of the layer's place in the spec. */
  readonly stream: number;
}

export function defineRecurrent(tf: Tensorflow): LayerClass<RecurrentConfig> {
  class Recurrent extends tf.layers.Layer {
    static readonly className = 'recurrent-onnx>Recurrent';
    readonly #config: RecurrentConfig;
    #variables: LayerVariable[] = [];

    constructor(config: RecurrentConfig) {
      super({ ...config });
      this.#config = config;
      this.supportsMasking = true;
    }

    override build(inputShape: Shape | Shape[]): void {
      const features = this.#config.oneHotDepth ?? (singleShape(inputShape)[2] as number);
      this.#variables = weightShapes(this.#config.layer, features).map(({ name, shape }) =>
        this.addWeight(name, shape, 'float32', tf.initializers.zeros()),
      );
      this.built = true;
    }

    override computeOutputShape(inputShape: Shape | Shape[]): Shape {
      const [batch, time] = singleShape(inputShape) as [number | null, number | null];
      const { units, returnSequences } = this.#config.layer;
      return returnSequences ? [batch, time, units] : [batch, units];
    }

    override computeMask(_inputs: Tensor | Tensor[], mask?: Tensor | Tensor[]): Tensor {
      return (this.#config.layer.returnSequences && mask ? single(mask) : null) as Tensor;
    }

    override call(inputs: Tensor | Tensor[], options: CallOptions): Tensor {
      const { layer, stream } = this.#config;
      return tf.tidy(() => {
        const x = single(inputs);
        const states = read(tf, layer, {
          weights: this.#variables.map((variable) => variable.read()),
          inputs: x,
          direction: layer.goBackwards ? 'backward' : 'forward',
          initial: initialStates(tf, layer, this.name, x.shape[0] as number, options.initialStates),
          withCell: false,
          stream,
          recurrence: options.recurrences?.(this.name) ?? recurrence,
          options,
        });
        return layer.returnSequences ? tf.transpose(states.all(), [1, 0, 2]) : (states.last()[0] as Tensor);
      });
    }

    override getConfig() {
      const { layer, oneHotDepth, stream } = this.#config;
      return { ...super.getConfig(), layer: { ...layer }, oneHotDepth, stream };
    }
  }
  return Recurrent;
}
