/** The project's own layers. Their classes extend those of the TensorFlow.js that was loaded, so they are made for it. */
import type { Tensorflow } from '../backend.ts';
import { type BidirectionalConfig, defineBidirectional } from './bidirectional.ts';
import { type DropoutConfig, defineDropout } from './dropout.ts';
import { defineOneHot, type OneHotConfig } from './one-hot.ts';
import { definePooling, type PoolingConfig } from './pooling.ts';
import { defineRecurrent, type RecurrentConfig } from './recurrent.ts';
import type { LayerClass } from './tensorflow-layer.ts';

export interface LayerClasses {
  readonly Recurrent: LayerClass<RecurrentConfig>;
  readonly Bidirectional: LayerClass<BidirectionalConfig>;
  readonly Pooling: LayerClass<PoolingConfig>;
  readonly OneHot: LayerClass<OneHotConfig>;
  readonly Dropout: LayerClass<DropoutConfig>;
}

const defined = new WeakMap<Tensorflow, LayerClasses>();

/** Defines the layers once and registers them, so that `tf.loadLayersModel` knows them too. */
export function defineLayers(tf: Tensorflow): LayerClasses {
  const known = defined.get(tf);
  if (known) return known;
  const classes = {
    Recurrent: defineRecurrent(tf),
    Bidirectional: defineBidirectional(tf),
    Pooling: definePooling(tf),
    OneHot: defineOneHot(tf),
    Dropout: defineDropout(tf),
  };
  for (const layerClass of Object.values(classes)) tf.serialization.registerClass(layerClass);
  defined.set(tf, classes);
  return classes;
}
