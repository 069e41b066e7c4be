/**
 * Average or maximum over the unmasked time steps; zeros for a row that has none. Where several steps have the same
 * maximum, the first of them gets the gradient: words that come twice make this common.
 */
import type { GradSaveFunc, Tensor } from '@tensorflow/tfjs-core';
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
    max: firstMaximum,
  };

  const masked = {
    average: (x: Tensor, mask: Tensor) => {
      const count = tf.maximum(tf.sum(tf.cast(mask, 'float32'), 1), 1); // [batch, 1]
      return tf.div(tf.sum(tf.where(mask, x, tf.zerosLike(x)), 1), count);
    },
    max: (x: Tensor, mask: Tensor) => {
      const largest = firstMaximum(tf.where(mask, x, tf.fill(x.shape, Number.NEGATIVE_INFINITY)));
      return tf.where(tf.any(mask, 1), largest, tf.zerosLike(largest));
    },
  };

  /** x [batch, time, features] → [batch, features] */
  function firstMaximum(x: Tensor): Tensor {
    const compute = tf.customGrad((...args) => {
      const [x, save] = args as [Tensor, GradSaveFunc];
      const time = x.shape[1] as number;
      const place = tf.argMax(x, 1);
      save([place]);
      return {
        value: tf.max(x, 1),
        gradFunc: (dy: Tensor, [place]: Tensor[]) => {
          const steps = tf.reshape(tf.range(0, time, 1, 'int32'), [1, time, 1]);
          const chosen = tf.equal(steps, tf.expandDims(tf.cast(place as Tensor, 'int32'), 1)); // [batch, time, features]
          return tf.mul(tf.cast(chosen, 'float32'), tf.expandDims(dy, 1));
        },
      };
    });
    return compute(x);
  }

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
