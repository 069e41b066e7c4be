/** One native node a recurrent layer, whatever its kind and directions: never a loop, never gates by themselves. */
import type { Activation } from '../../models/activations.ts';
import type { RecurrentLayer } from '../../models/layers.ts';
import type { Weights } from '../../models/weights.ts';
import type { AttributeInput, GraphBuilder } from '../graph/builder.ts';
import { absent, type Value } from '../graph/graph.ts';
import { type Direction, directions, type RecurrentOperator } from '../graph/recurrent.ts';
import { activationAttributes } from './activations.ts';
import { packWeights } from './gates.ts';
import type { Flow, LoweringContext } from './lowering.ts';
import { recurrentInput } from './one-hot.ts';

/** What makes a node of one kind. */
export interface RecurrentNode {
  readonly op: RecurrentOperator;
  /** Of one direction, in ONNX' order. */
  readonly activations: readonly Activation[];
  readonly attributes: Readonly<Record<string, AttributeInput>>;
}

/** [time, batch, in] → [time, batch, units] with returnSequences, else [batch, units] */
export function lowerOneDirection(
  { g, layer, weights, input }: LoweringContext<RecurrentLayer>,
  node: RecurrentNode,
): Flow {
  const direction = layer.goBackwards ? 'reverse' : 'forward';
  const [result] = addRecurrentNode(g, { layer, node, direction, prefixes: [layer.name], weights, input }) as [Value];
  if (!layer.returnSequences) return { value: result };
  // ONNX writes the steps back in input order, Keras keeps the order of reading.
  return { value: layer.goBackwards ? g.reverse(result, 0) : result, counts: input.counts };
}

export interface RecurrentParts {
  readonly layer: RecurrentLayer;
  readonly node: RecurrentNode;
  readonly direction: Direction;
  /** Of the names of the weights, one a direction. */
  readonly prefixes: readonly string[];
  readonly weights: Weights;
  readonly input: Flow;
}

/**
 * Adds the node of a layer.
 * @returns for each direction all outputs in input order [time, batch, units], or the last ones [batch, units]
 */
export function addRecurrentNode(g: GraphBuilder, parts: RecurrentParts): readonly Value[] {
  const { layer, node, direction, prefixes, weights, input } = parts;
  const { R, B, ...kernel } = packWeights(layer, weights, prefixes);
  const { X, W } = recurrentInput(g, input, kernel.W);
  const inputs = [
    X,
    g.initialiser('W', W),
    g.initialiser('R', R),
    B ? g.initialiser('B', B) : absent,
    // onnxruntime is not safe at length 0: such a row reads one step, and its result is replaced below.
    input.counts ? g.max(input.counts, g.int32(1)) : absent,
  ];
  const all = layer.returnSequences;
  const [steps, last] = g.nodes(
    node.op,
    inputs.slice(0, inputs.findLastIndex((name) => name !== absent) + 1),
    {
      ...activationAttributes(prefixes.flatMap(() => node.activations)),
      direction,
      hidden_size: layer.units,
      layout: 0,
      ...node.attributes,
    },
    all ? [true] : [false, true],
  ) as [Value, Value]; // [time, directions, batch, units], [directions, batch, units]

  return Array.from({ length: directions[direction] }, (_, index) => {
    const one = g.gather(all ? steps : last, g.int64(index), all ? 1 : 0);
    return all || !input.counts ? one : zeroWhereEmpty(g, one, input.counts);
  });
}

/** A row without a valid step keeps its initial state, which is zero: [batch, units]. */
function zeroWhereEmpty(g: GraphBuilder, state: Value, counts: Value): Value {
  return g.where(g.greater(g.unsqueeze(counts, 1), g.int32(0)), state, g.float32(0));
}
