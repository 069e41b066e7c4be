import type { Layer, LayerOf, ModelSpec } from '../../models/layers.ts';
import { type ModelPlan, planModel } from '../../models/plan.ts';
import type { Weights } from '../../models/weights.ts';
import { createGraphBuilder } from '../graph/builder.ts';
import type { Graph } from '../graph/graph.ts';
import { lowerBidirectional } from './bidirectional.ts';
import { compact } from './compact.ts';
import { activate, lowerAffine, lowerDense } from './dense.ts';
import { lowerDropout } from './dropout.ts';
import { lowerEmbedding } from './embedding.ts';
import type { Flow, Lowering } from './lowering.ts';
import { lowerOneHot } from './one-hot.ts';
import { lowerPooling } from './pooling.ts';
import { lowerRecurrent } from './recurrent.ts';
import { createStateEnds } from './states.ts';

const lower = {
  embedding: lowerEmbedding,
  oneHot: lowerOneHot,
  simpleRnn: lowerRecurrent,
  lstm: lowerRecurrent,
  gru: lowerRecurrent,
  bidirectional: lowerBidirectional,
  pooling: lowerPooling,
  dropout: lowerDropout,
  dense: lowerDense,
} as const satisfies { readonly [T in Layer['type']]: Lowering<T> };

/**
 * Writes a model as a graph: `ids` int32 [batch, time] → `logits` and `probabilities` float32 [batch, outputs].
 * For a head with sigmoid or softmax the logits are what enters that activation. With states, each recurrent layer's
 * states are inputs and outputs as well, float32 [batch, units].
 */
export function lowerModel(
  spec: ModelSpec,
  weights: Weights,
  { opset, states: carriesStates = false }: { readonly opset: number; readonly states?: boolean },
): Graph {
  const plan = planModel(spec);
  const g = createGraphBuilder(opset);
  const ids = g.input('ids', 'int32', ['batch', 'time']);
  const states = carriesStates ? createStateEnds(g, plan) : undefined;
  const compacted = plan.maskZero ? compact(g.scope('mask'), ids) : { ids };
  let flow: Flow = { ...compacted, value: g.transpose(compacted.ids, [1, 0]) };

  for (const layer of spec.layers.slice(0, -1)) {
    const lowering = lower[layer.type] as Lowering;
    flow = lowering({ g: g.scope(layer.name), layer, weights, input: flow, states });
  }

  const head = spec.layers.at(-1) as LayerOf<'dense'>;
  const logits = lowerAffine(g.scope(head.name), head, weights, flow.value);
  const probabilities = activate(g.scope(head.name), headActivation(plan), logits);
  g.output('logits', logits, 'float32', ['batch', plan.head.outputs]);
  g.output('probabilities', probabilities, 'float32', ['batch', plan.head.outputs]);
  states?.write();
  return g.build('classifier');
}

function headActivation({ head }: ModelPlan): 'sigmoid' | 'softmax' {
  return head.loss === 'binaryCrossentropy' ? 'sigmoid' : 'softmax';
}
