/**
 * The ends of the states: what a recurrent layer starts from comes in beside the ids, what it ends with goes out beside
 * the probabilities, so that a text can be read in pieces.
 */

import { finalState, initialState } from '../../models/onnx-state-names.ts';
import type { ModelPlan } from '../../models/plan.ts';
import type { Preprocessing } from '../../models/text/preprocessing.ts';
import { fail } from '../../src/core/errors.ts';
import type { GraphBuilder } from '../graph/builder.ts';
import type { Value } from '../graph/graph.ts';

export interface StateEnds {
  /** What a layer starts from, by the name of its state: [batch, units]. */
  initial(name: string): Value;
  /** Gives out what it ends with, [batch, units]. */
  final(name: string, value: Value): void;
}

/** Inputs of `g`, at once; outputs when `write` is called, so that those of the model stand first. */
export function createStateEnds(g: GraphBuilder, { states }: ModelPlan): StateEnds & { write(): void } {
  const initial = new Map(
    states.map(({ name, units }) => [name, g.input(initialState(name), 'float32', ['batch', units])] as const),
  );
  const final = new Map<string, Value>();
  return {
    initial: (name) => initial.get(name) as Value,
    final: (name, value) => void final.set(name, value),
    write() {
      for (const { name, units } of states) {
        g.output(finalState(name), final.get(name) as Value, 'float32', ['batch', units]);
      }
    },
  };
}

/**
 * Whether a text in pieces can be what it is whole.
 * @throws LAYER_UNSUPPORTED where a layer needs the whole text; OPTION_UNSUPPORTED where zeros come before the words
 */
export function checkStates(plan: ModelPlan, { padding }: Preprocessing): void {
  for (const { layer } of plan.layers) {
    const reason =
      layer.type === 'bidirectional' || ('goBackwards' in layer && layer.goBackwards)
        ? 'reads the text from its end'
        : layer.type === 'pooling'
          ? 'looks at all steps at once'
          : undefined;
    if (reason) {
      const hint = 'Export it without states, or use recurrent layers that read forwards and give their last output.';
      fail('LAYER_UNSUPPORTED', `layer ${layer.name} ${reason}: the model cannot read a text in pieces`, hint);
    }
  }
  if (padding === 'pre' && !plan.maskZero) {
    fail(
      'OPTION_UNSUPPORTED',
      'the model reads zeros in front of a text, as many as the text is short of its length: no piece knows how many',
      "Export it without states, or train it with maskZero or padding 'post'.",
    );
  }
}
