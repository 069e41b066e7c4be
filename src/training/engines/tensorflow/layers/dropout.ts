import type { Tensor } from '@tensorflow/tfjs-core';
import type { Shape } from '@tensorflow/tfjs-layers';
import type { Tensorflow } from '../backend.ts';
import { dropFactors } from './drop.ts';
import { type CallOptions, type LayerClass, single, singleShape } from './tensorflow-layer.ts';

export interface DropoutConfig {
  readonly name: string;
  readonly rate: number;
  /** Of the random draws, `dropoutStream` of the layer's place in the spec. */
  readonly stream: number;
}

export function defineDropout(tf: Tensorflow): LayerClass<DropoutConfig> {
  class Dropout extends tf.layers.Layer {
    static readonly className = 'recurrent-onnx>Dropout';
    readonly #config: DropoutConfig;

    constructor(config: DropoutConfig) {
      super({ ...config });
      this.#config = config;
      this.supportsMasking = true;
    }

    override computeOutputShape(inputShape: Shape | Shape[]): Shape {
      return singleShape(inputShape);
    }

    override call(inputs: Tensor | Tensor[], options: CallOptions): Tensor {
      const { rate, stream } = this.#config;
      return tf.tidy(() => {
        const x = single(inputs);
        const factors = dropFactors(tf, options, { purpose: 'dropout', stream, rate }, x.shape);
        return factors ? tf.mul(x, factors) : x;
      });
    }

    override getConfig() {
      const { rate, stream } = this.#config;
      return { ...super.getConfig(), rate, stream };
    }
  }
  return Dropout;
}
