/** The port behind which each layer's lowering stands. */
import type { Layer, LayerOf } from '../../models/layers.ts';
import type { Weights } from '../../models/weights.ts';
import type { GraphBuilder } from '../graph/builder.ts';
import type { Value } from '../graph/graph.ts';
import type { StateEnds } from './states.ts';

/** What flows from layer to layer. Sequences are time-major, as ONNX' recurrent operators read them. */
export interface Flow {
  /** ids [time, batch], a sequence [time, batch, features] or a vector [batch, features] */
  readonly value: Value;
  /** Given while ids stand for a sequence of rows of the identity matrix of this size. */
  readonly oneHotDepth?: number;
  /**
   * Valid steps of each row while a mask flows along: int32, [batch]. Masked sequences are compacted: the valid
   * steps stand first, in their order.
   */
  readonly counts?: Value | undefined;
}

export interface LoweringContext<L extends Layer> {
  /** Names begin with the layer's. */
  readonly g: GraphBuilder;
  readonly layer: L;
  readonly weights: Weights;
  readonly input: Flow;
  /** Given when the states come in and go out. */
  readonly states?: StateEnds | undefined;
}

/** Adds the nodes of one layer. */
export type Lowering<T extends Layer['type'] = Layer['type']> = (context: LoweringContext<LayerOf<T>>) => Flow;
