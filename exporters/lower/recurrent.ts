/** One native node a recurrent layer, whatever its kind and directions: never a loop, never gates by themselves. */
import type { RecurrentLayer } from '../../models/layers.ts';
import { stateNames } from '../../models/plan.ts';
import type { Weights } from '../../models/weights.ts';
import type { GraphBuilder } from '../graph/builder.ts';
import { absent, type Value } from '../graph/graph.ts';
import { type Direction, directions } from '../graph/recurrent.ts';
import { activationAttributes } from './activations.ts';
import { packWeights } from './gates.ts';
import type { Flow, LoweringContext } from './lowering.ts';
import { recurrentInput } from './one-hot.ts';
import { nodeOf } from './recurrent-node.ts';
import type { StateEnds } from './states.ts';

/** [time, batch, in] → [time, batch, units] with returnSequences, else [batch, units] */
export function lowerRecurrent({ g, layer, weights, input, states }: LoweringContext<RecurrentLayer>): Flow {
  const direction = layer.goBackwards ? 'reverse' : 'forward';
  const parts = { layer, direction, prefixes: [layer.name], weights, input, states } as const;
  const [result] = addRecurrentNode(g, parts) as [Value];
  if (!layer.returnSequences) return { value: result };
  // ONNX writes the steps back in input order, Keras keeps the order of reading.
  return { value: layer.goBackwards ? g.reverse(result, 0) : result, counts: input.counts };
}

export interface RecurrentParts {
  readonly layer: RecurrentLayer;
  readonly direction: Direction;
  /** Of the names of the weights, one a direction. */
  readonly prefixes: readonly string[];
  readonly weights: Weights;
  readonly input: Flow;
  /** Of one direction. */
  readonly states?: StateEnds | undefined;
}

/**
 * Adds the node of a layer.
 * @returns for each direction all outputs in input order [time, batch, units], or the last ones [batch, units]
 */
export function addRecurrentNode(g: GraphBuilder, parts: RecurrentParts): readonly Value[] {
  const { layer, direction, prefixes, weights, input, states } = parts;
  const node = nodeOf(layer);
  const { R, B, ...kernel } = packWeights(layer, weights, prefixes);
  const { X, W } = recurrentInput(g, input, kernel.W);
  const inputs = [
    X,
    g.initialiser('W', W),
    g.initialiser('R', R),
    B ? g.initialiser('B', B) : absent,
    // onnxruntime is not safe at length 0: such a row reads one step, and its result is replaced below.
    input.counts ? g.max(input.counts, g.int32(1)) : absent,
    ...(states ? stateNames[layer.type].map((name) => g.unsqueeze(states.initial(`${layer.name}/${name}`), 0)) : []),
  ];
  const all = layer.returnSequences;
  const [steps, ...lasts] = g.nodes(
    node.op,
    inputs.slice(0, inputs.findLastIndex((name) => name !== absent) + 1),
    {
      ...activationAttributes(prefixes.flatMap(() => node.activations)),
      direction,
      hidden_size: layer.units,
      layout: 0,
      ...node.attributes,
    },
    states ? [all, ...stateNames[layer.type].map(() => true)] : all ? [true] : [false, true],
  ) as [Value, ...Value[]]; // [time, directions, batch, units], [directions, batch, units] of each state

  if (states) {
    const final = stateNames[layer.type].map((name, index) => {
      const state = g.gather(lasts[index] as Value, g.int64(0), 0); // [batch, units]
      const kept = input.counts
        ? keptWhereEmpty(g, state, input.counts, states.initial(`${layer.name}/${name}`))
        : state;
      states.final(`${layer.name}/${name}`, kept);
      return kept;
    });
    return [all ? g.gather(steps, g.int64(0), 1) : (final[0] as Value)];
  }

  return Array.from({ length: directions[direction] }, (_, index) => {
    const one = g.gather(all ? steps : (lasts[0] as Value), g.int64(index), all ? 1 : 0);
    return all || !input.counts ? one : keptWhereEmpty(g, one, input.counts, g.float32(0));
  });
}

/** A row without a valid step keeps what it started from, [batch, units] or 0. */
function keptWhereEmpty(g: GraphBuilder, state: Value, counts: Value, initial: Value): Value {
  return g.where(g.greater(g.unsqueeze(counts, 1), g.int32(0)), state, initial);
}
