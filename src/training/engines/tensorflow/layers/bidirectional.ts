/**
 * A recurrent layer read in both directions. TensorFlow.js' own wrapper is not used: under a mask, its all-steps
 * outputs differ from those of Keras 3, which are zero in both directions at masked steps.
 */
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import type { LayerVariable, Shape } from '@tensorflow/tfjs-layers';
import type { BidirectionalLayer } from '../../../../../models/layers.ts';
import { mergedFeatures } from '../../../../../models/plan.ts';
import type { Tensorflow } from '../backend.ts';
import { initialStates } from './initial-states.ts';
import { type Direction, read } from './read.ts';
import { recurrence } from './recurrence.ts';
import { type CallOptions, type LayerClass, single, singleShape } from './tensorflow-layer.ts';
import { weightShapes } from './weights.ts';

export interface BidirectionalConfig {
  readonly name: string;
  readonly layer: BidirectionalLayer;
  /** As in `RecurrentConfig`. */
  readonly oneHotDepth: number | null;
  /** Of the dropout masks of each direction. */
  readonly streams: Readonly<Record<Direction, number>>;
}

const directions = ['forward', 'backward'] as const satisfies readonly Direction[];

const merges: Readonly<
  Record<BidirectionalLayer['mergeMode'], (tf: Tensorflow, forward: Tensor, backward: Tensor) => Tensor>
> = {
  concat: (tf, forward, backward) => tf.concat([forward, backward], -1),
  sum: (tf, forward, backward) => tf.add(forward, backward),
  mul: (tf, forward, backward) => tf.mul(forward, backward),
  ave: (tf, forward, backward) => tf.mul(tf.add(forward, backward), 0.5),
};

export function defineBidirectional(tf: Tensorflow): LayerClass<BidirectionalConfig> {
  class Bidirectional extends tf.layers.Layer {
    static readonly className = 'recurrent-onnx>Bidirectional';
    readonly #config: BidirectionalConfig;
    #variables: Record<Direction, LayerVariable[]> = { forward: [], backward: [] };

    constructor(config: BidirectionalConfig) {
      super({ ...config });
      this.#config = config;
      this.supportsMasking = true;
    }

    override build(inputShape: Shape | Shape[]): void {
      const features = this.#config.oneHotDepth ?? (singleShape(inputShape)[2] as number);
      for (const direction of directions) {
        this.#variables[direction] = weightShapes(this.#config.layer.layer, features).map(({ name, shape }) =>
          this.addWeight(`${direction}/${name}`, shape, 'float32', tf.initializers.zeros()),
        );
      }
      this.built = true;
    }

    override computeOutputShape(inputShape: Shape | Shape[]): Shape {
      const [batch, time] = singleShape(inputShape) as [number | null, number | null];
      const { layer } = this.#config;
      const features = mergedFeatures(layer);
      return layer.layer.returnSequences ? [batch, time, features] : [batch, features];
    }

    override computeMask(_inputs: Tensor | Tensor[], mask?: Tensor | Tensor[]): Tensor {
      return (this.#config.layer.layer.returnSequences && mask ? single(mask) : null) as Tensor;
    }

    override call(inputs: Tensor | Tensor[], options: CallOptions): Tensor {
      const { layer: inner, mergeMode } = this.#config.layer;
      return tf.tidy(() => {
        const x = single(inputs);
        const [forward, backward] = directions.map((direction) => {
          const prefix = `${this.name}/${direction}`;
          const states = read(tf, inner, {
            weights: this.#variables[direction].map((variable) => variable.read()),
            inputs: x,
            direction,
            initial: initialStates(tf, inner, prefix, x.shape[0] as number, options.initialStates),
            withCell: false,
            stream: this.#config.streams[direction],
            recurrence: options.recurrences?.(prefix) ?? recurrence,
            options,
          });
          if (!inner.returnSequences) return states.last()[0] as Tensor;
          const byTime = direction === 'forward' ? states.all() : tf.reverse(states.all(), 0);
          return zeroWhereMasked(tf.transpose(byTime, [1, 0, 2]), options.mask);
        }) as [Tensor, Tensor];
        return merges[mergeMode](tf, forward, backward);
      });
    }

    override getConfig() {
      const { layer, oneHotDepth, streams } = this.#config;
      return {
        ...super.getConfig(),
        layer: { ...layer, layer: { ...layer.layer } },
        oneHotDepth,
        streams: { ...streams },
      };
    }
  }

  function zeroWhereMasked(steps: Tensor, mask: Tensor2D | null | undefined): Tensor {
    return mask ? tf.where(tf.expandDims(mask, 2), steps, tf.zerosLike(steps)) : steps;
  }

  return Bidirectional;
}
