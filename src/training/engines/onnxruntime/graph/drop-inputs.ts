/** Dropout of a recurrent layer's inputs: one mask a row, the same for all steps and gates. */
import { densify } from './densify.ts';
import type { Pass } from './pass.ts';
import type { Forwarded, Sequence } from './signal.ts';

/**
 * Of one-hot rows only the scale of the one changes. Of an embedding every position becomes different, so that the
 * sharing of ids ends here.
 */
export function dropInputs(pass: Pass, sequence: Sequence, stream: number, rate: number): Forwarded<Sequence> {
  const { features } = sequence;
  if (sequence.kind === 'oneHot') {
    const scale = pass.dropout('dropout', stream, rate, 'one', features);
    return { output: { ...sequence, scale }, backward: () => undefined };
  }
  const mask = pass.dropout('dropout', stream, rate, 'row', features); // [rows, features]
  if (mask === undefined) return { output: sequence, backward: (gradient) => gradient };
  const dense = densify(pass, sequence);
  const { g } = pass;
  return {
    output: { ...dense.output, value: g.mul(dense.output.value, mask) },
    backward: (gradient) => dense.backward(g.mul(gradient, mask)),
  };
}
