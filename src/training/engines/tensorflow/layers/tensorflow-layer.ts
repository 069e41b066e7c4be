/** What TensorFlow.js expects of a layer, narrowed: ours take one input. */
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Shape } from '@tensorflow/tfjs-layers';
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import { fail } from '../../../../core/errors.ts';
import type { Tensorflow } from '../backend.ts';

export type Layer = InstanceType<Tensorflow['layers']['Layer']>;

/** A layer that can be saved and loaded by its class name. */
export interface LayerClass<Config> {
  new (config: Config): Layer;
  readonly className: string;
  readonly fromConfig: Tensorflow['layers']['Layer']['fromConfig'];
}

export interface CallOptions {
  /** [batch, time] of booleans, if the input is masked. */
  readonly mask?: Tensor2D | null;
  readonly training?: boolean;
}

export function single<T>(value: T | T[]): T {
  return Array.isArray(value) ? (value[0] as T) : value;
}

export function singleShape(shape: Shape | Shape[]): Shape {
  return Array.isArray(shape[0]) ? (shape[0] as Shape) : (shape as Shape);
}

/** @throws LAYER_UNSUPPORTED when the layer would have to drop out */
export function refuseDropout(layer: RecurrentLayer, name: string, options: CallOptions): void {
  if (!options.training || (layer.dropout === 0 && layer.recurrentDropout === 0)) return;
  fail(
    'LAYER_UNSUPPORTED',
    `layer ${name} has dropout, which the TensorFlow.js layers cannot apply while training`,
    "Train with engine 'js'.",
  );
}
