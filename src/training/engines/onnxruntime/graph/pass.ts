/** What the layers of one graph share. */
import type { GraphBuilder } from '../../../../../exporters/graph/builder.ts';
import type { Dimension, Value } from '../../../../../exporters/graph/graph.ts';
import type { DropoutPurpose } from '../../../dropout.ts';

/** A forward-only graph keeps nothing for a way back and drops nothing out. */
export type GraphMode = 'training' | 'evaluation';

export interface Pass {
  readonly g: GraphBuilder;
  readonly mode: GraphMode;
  /** Which of the different ids stands where: int32, [time, rows]. */
  readonly index: Value;
  /** A state before the first step, by its name in `ModelPlan.states`, [rows, units]. */
  readonly initialState: (name: string, units: number) => Value;
  /** Whether a step counts: bool, [time, rows]; undefined when the model does not mask. */
  readonly mask: Value | undefined;
  /** The different ids themselves: int32, [unique]. */
  readonly unique: () => Value;
  /** A parameter as it is. */
  readonly weight: (name: string) => Value;
  /** The rows of a parameter that the batch's different ids name, [unique, …]. */
  readonly rowsOf: (name: string) => Value;
  /** Declares the gradient of a parameter, or of those rows. */
  readonly gradient: (name: string, value: Value) => void;
  /** The mask of a layer, or undefined when nothing is dropped. */
  readonly dropout: (
    purpose: DropoutPurpose,
    stream: number,
    rate: number,
    layout: DropoutLayout,
    features: number,
  ) => Value | undefined;
  /** The shape [time, rows, features], as a value: int64, [3]. */
  readonly sequenceShape: (features: number) => Value;
}

/**
 * How a mask enters the graph: one a row [rows, features], one an element [rows, time, features], or of one-hot rows
 * only what multiplies the one, [time, rows, 1].
 */
export type DropoutLayout = 'row' | 'element' | 'one';

export const dropoutShapes = {
  row: (features) => ['rows', features],
  element: (features) => ['rows', 'time', features],
  one: () => ['time', 'rows', 1],
} as const satisfies Record<DropoutLayout, (features: number) => readonly Dimension[]>;
