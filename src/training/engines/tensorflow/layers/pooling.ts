/** Average or maximum over the unmasked time steps; zeros for a row that has none. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Shape } from '@tensorflow/tfjs-layers';
import type { LayerOf } from '../../../../../models/layers.ts';
import type { Tensorflow } from '../backend.ts';
import { type CallOptions, type LayerClass, single, singleShape } from './tensorflow-layer.ts';

export interface PoolingConfig {
  readonly name: string;
  readonly kind: LayerOf<'pooling'>['kind'];
}

export function definePooling(tf: Tensorflow): LayerClass<PoolingConfig> {
  const unmasked = {
    average: (x: Tensor) => tf.mean(x, 1),
    max: (x: Tensor) => tf.max(x, 1),
  };

  const masked = {
    average: (x: Tensor, mask: Tensor) => {
      const count = tf.maximum(tf.sum(tf.cast(mask, 'float32'), 1), 1); // [batch, 1]
      return tf.div(tf.sum(tf.where(mask, x, tf.zerosLike(x)), 1), count);
    },
    max: (x: Tensor, mask: Tensor) => {
      const largest = tf.max(tf.where(mask, x, tf.fill(x.shape, Number.NEGATIVE_INFINITY)), 1);
      return tf.where(tf.any(mask, 1), largest, tf.zerosLike(largest));
    },
  };

  class Pooling extends tf.layers.Layer {
    static readonly className = 'recurrent-onnx>Pooling';
    readonly #config: PoolingConfig;

    constructor(config: PoolingConfig) {
      super({ ...config });
      this.#config = config;
      this.supportsMasking = true;
    }

    override computeOutputShape(inputShape: Shape | Shape[]): Shape {
      const [batch, , features] = singleShape(inputShape) as [number | null, number | null, number];
      return [batch, features];
    }

    override computeMask(): Tensor {
      return null as unknown as Tensor;
    }

    /** inputs [batch, time, features] */
    override call(inputs: Tensor | Tensor[], options: CallOptions): Tensor {
      const { kind } = this.#config;
      return tf.tidy(() => {
        const { mask } = options;
        return mask ? masked[kind](single(inputs), tf.expandDims(mask, 2)) : unmasked[kind](single(inputs));
      });
    }

    override getConfig() {
      return { ...super.getConfig(), kind: this.#config.kind };
    }
  }
  return Pooling;
}
