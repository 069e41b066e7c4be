import type { Value } from '../../../../../exporters/graph/graph.ts';
import { flatten } from './arithmetic.ts';
import type { Pass } from './pass.ts';
import { scatterAdd } from './scatter-add.ts';
import type { DenseSequence, Forwarded, Sequence } from './signal.ts';

/** The values of every position, for the layers that need them. */
export function densify(pass: Pass, sequence: Sequence): Forwarded<DenseSequence> {
  const { g, index } = pass;
  const { features } = sequence;
  switch (sequence.kind) {
    case 'dense':
      return { output: sequence, backward: (gradient: Value) => (sequence.learns ? gradient : undefined) };
    case 'embedded':
      return {
        output: { kind: 'dense', features, value: g.gather(sequence.table, index, 0), learns: true },
        backward: (gradient) => scatterAdd(pass, sequence.table, flatten(g, gradient, features)),
      };
    case 'oneHot': {
      const ids = g.gather(pass.unique(), index, 0); // [time, rows]
      const value = g.node('OneHot', [ids, g.int32(features), g.float32([0, 1])], { axis: -1 });
      return { output: { kind: 'dense', features, value, learns: false }, backward: () => undefined };
    }
  }
}
