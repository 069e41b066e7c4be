import { type Known, refuse } from './checking.ts';
import type { Node } from './graph.ts';
import {
  countConstants,
  directions,
  isOnnxActivation,
  type RecurrentOperator,
  recurrentOperators,
} from './recurrent.ts';

/**
 * Checks the attributes of an RNN, LSTM or GRU node against each other and against the shapes of its inputs,
 * as far as these are known; other nodes pass. @throws GRAPH_INVALID
 *
 * @param inputs X [time, batch, in], W [directions, gates·units, in], R [directions, gates·units, units],
 * B [directions, 2·gates·units], sequence_lens [batch], initial_h and initial_c [directions, batch, units]
 */
export function checkRecurrent(node: Node, inputs: readonly (Known | undefined)[]): void {
  if (!Object.hasOwn(recurrentOperators, node.op)) return;
  const where = `node ${node.name}`;
  const operator = recurrentOperators[node.op as RecurrentOperator];
  const { direction, hidden_size, layout, activations, activation_alpha, activation_beta, clip } = node.attributes;

  const sets = Object.hasOwn(directions, String(direction?.value))
    ? directions[direction?.value as keyof typeof directions]
    : refuse(where, `has direction ${String(direction?.value)}`);
  const units = hidden_size?.value as number;
  if (units < 1) refuse(where, `has hidden_size ${units}`);
  if (layout?.value !== 0) refuse(where, 'has a layout other than 0, which onnxruntime refuses');
  if (clip && (clip.value as number) <= 0) refuse(where, 'has a clip that is not above 0');

  const names = activations?.value as readonly string[];
  if (names.length !== sets * operator.activations) {
    refuse(where, `has ${names.length} activations, needs ${sets * operator.activations}`);
  }
  const stranger = names.find((name) => !isOnnxActivation(name));
  if (stranger !== undefined) refuse(where, `has activation ${stranger}`);
  for (const [constant, attribute] of [
    ['alpha', activation_alpha],
    ['beta', activation_beta],
  ] as const) {
    const given = ((attribute?.value ?? []) as readonly number[]).length;
    const needed = countConstants(names.filter(isOnnxActivation), constant);
    if (given !== needed) refuse(where, `has ${given} values of ${constant}, its activations take ${needed}`);
  }

  const width = operator.gates * units;
  const shapes = [
    ['X', [undefined, undefined, inputs[1]?.shape?.[2]]],
    ['W', [sets, width, inputs[0]?.shape?.[2]]],
    ['R', [sets, width, units]],
    ['B', [sets, 2 * width]],
    ['sequence_lens', [undefined]],
    ['initial_h', [sets, undefined, units]],
    ['initial_c', [sets, undefined, units]],
  ] as const;
  for (const [index, [name, expected]] of shapes.entries()) {
    const shape = inputs[index]?.shape;
    if (!shape) continue;
    const fits = expected.every((dimension, axis) => {
      const actual = shape[axis];
      return typeof dimension !== 'number' || typeof actual !== 'number' || dimension === actual;
    });
    if (shape.length !== expected.length || !fits) {
      refuse(where, `has ${name} [${shape}], needs [${expected.map((dimension) => dimension ?? '…').join(', ')}]`);
    }
  }
}
