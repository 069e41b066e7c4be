/**
 * One-hot rows, stored. Used only where no recurrent layer follows at once: that one looks the rows of its kernel up
 * by the ids and needs no such matrix.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Shape } from '@tensorflow/tfjs-layers';
import type { Tensorflow } from '../backend.ts';
import { type LayerClass, single, singleShape } from './tensorflow-layer.ts';

export interface OneHotConfig {
  readonly name: string;
  readonly depth: number;
}

export function defineOneHot(tf: Tensorflow): LayerClass<OneHotConfig> {
  class OneHot extends tf.layers.Layer {
    static readonly className = 'recurrent-onnx>OneHot';
    readonly #config: OneHotConfig;

    constructor(config: OneHotConfig) {
      super({ ...config });
      this.#config = config;
    }

    override computeOutputShape(inputShape: Shape | Shape[]): Shape {
      const [batch, time] = singleShape(inputShape) as [number | null, number | null];
      return [batch, time, this.#config.depth];
    }

    /** inputs [batch, time] of ids → [batch, time, depth] */
    override call(inputs: Tensor | Tensor[]): Tensor {
      return tf.tidy(() => tf.oneHot(tf.cast(single(inputs), 'int32'), this.#config.depth, 1, 0, 'float32'));
    }

    override getConfig() {
      return { ...super.getConfig(), depth: this.#config.depth };
    }
  }
  return OneHot;
}
