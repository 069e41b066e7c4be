/** What TensorFlow.js expects of a layer, narrowed: ours take one input. */
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Shape } from '@tensorflow/tfjs-layers';
import type { Batch, StepAddress } from '../../../engine.ts';
import type { Tensorflow } from '../backend.ts';
import type { Recurrence } from './recurrence.ts';

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
  /** Of the training step, if the engine trains: addresses the dropout masks. */
  readonly address?: StepAddress;
  readonly initialStates?: Batch['initialStates'];
  /** By the name of a layer, or of its direction inside a bidirectional one. Without: operations of TensorFlow. */
  readonly recurrences?: (name: string) => Recurrence;
}

export function single<T>(value: T | T[]): T {
  return Array.isArray(value) ? (value[0] as T) : value;
}

export function singleShape(shape: Shape | Shape[]): Shape {
  return Array.isArray(shape[0]) ? (shape[0] as Shape) : (shape as Shape);
}
