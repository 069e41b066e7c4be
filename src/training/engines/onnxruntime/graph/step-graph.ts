/**
 * A spec as the graph of one training step: forward, loss, and the gradients of all parameters, in the product's own
 * representation. onnxruntime knows no gradients in Node, so the way back is written out like the way forward:
 *
 * - The function of a layer (`layers/`) adds its forward nodes and gives, beside its output, a function that adds its
 *   backward nodes (`signal.ts`). Calling these from the last layer to the first is backpropagation.
 * - A recurrent layer is two loops, `Scan` in ONNX: one through time and one back (`recurrence.ts`), around the step of a
 *   cell (`cells/`). What has no order, such as all gradients of weights, stands outside, once for all steps.
 * - A batch comes as its different ids and an `index` that says which of them stands where. What depends on the id alone
 *   is computed once for each (`projection.ts`); tables come in, and their gradients go out, as the rows of these ids.
 *
 * Batch, time and the number of different ids are free dimensions. `recurrent inspect MODEL --training` shows the graph.
 */
import { createGraphBuilder } from '../../../../../exporters/graph/builder.ts';
import { checkGraph } from '../../../../../exporters/graph/check.ts';
import type { Dimension, ModelGraph, Value } from '../../../../../exporters/graph/graph.ts';
import { defaultOpset } from '../../../../../exporters/graph/opsets.ts';
import type { Layer, LayerOf, ModelSpec, RecurrentLayer } from '../../../../../models/layers.ts';
import { type ModelPlan, type ParameterSpec, planModel } from '../../../../../models/plan.ts';
import type { DropoutPurpose } from '../../../dropout.ts';
import { walkOf } from '../../walk.ts';
import { bidirectional } from './layers/bidirectional.ts';
import { dense, denseLinear } from './layers/dense.ts';
import { dropout } from './layers/dropout.ts';
import { embedding } from './layers/embedding.ts';
import { pooling } from './layers/pooling.ts';
import { lossGradient } from './loss.ts';
import { type DropoutLayout, dropoutShapes, type GraphMode, type Pass } from './pass.ts';
import { recur } from './recurrence.ts';
import type { Forwarded, Sequence, Signal, Vector } from './signal.ts';

/** A mask that the graph takes as an input. */
export interface DropoutInput {
  readonly name: Value;
  readonly purpose: DropoutPurpose;
  readonly stream: number;
  readonly rate: number;
  readonly layout: DropoutLayout;
  readonly features: number;
}

export interface StepGraph {
  readonly model: ModelGraph;
  /** Parameters of which the graph takes, and gives gradients of, the rows of the batch's different ids only. */
  readonly byRow: ReadonlySet<string>;
  readonly dropouts: readonly DropoutInput[];
  /** Whether the graph takes the different ids themselves. */
  readonly takesUnique: boolean;
}

type LayerGraph<T extends Layer['type'] = Layer['type']> = (
  pass: Pass,
  layer: LayerOf<T>,
  layerIndex: number,
  input: Signal,
) => Forwarded;

function recurrent(pass: Pass, layer: RecurrentLayer, layerIndex: number, input: Signal): Forwarded {
  return recur(pass, layer, layer.name, input as Sequence, walkOf(layer, layerIndex));
}

/** The plan has checked that each layer gets the kind of signal that it takes. */
const layerGraphs = {
  embedding: (pass, layer) => embedding(pass, layer),
  oneHot: (_, layer) => ({
    output: { kind: 'oneHot', features: layer.depth, scale: undefined },
    backward: () => undefined,
  }),
  simpleRnn: recurrent,
  lstm: recurrent,
  gru: recurrent,
  bidirectional: (pass, layer, index, input) => bidirectional(pass, layer, index, input as Sequence),
  pooling: (pass, layer, _, input) => pooling(pass, layer, input as Sequence),
  dropout: (pass, layer, index, input) => dropout(pass, layer, index, input as Sequence | Vector),
  dense: (pass, layer, _, input) => dense(pass, layer, input as Vector),
} as const satisfies { readonly [T in Layer['type']]: LayerGraph<T> };

/**
 * The graph of one training step, for people to look at.
 *
 * Inputs: `index` int32 [time, rows]; `unique` int32 [unique], the different ids, where they are needed themselves; `mask`
 * bool [time, rows] where the model masks; `targets` int32 [rows]; `share` float32, one by the rows of the batch; the
 * parameters, tables as rows [unique, …]; the states before the first step [rows, units]; the dropout masks.
 * Outputs: `logits` [rows, outputs], and for each parameter its gradient.
 */
export function trainingGraph(spec: ModelSpec): ModelGraph {
  return stepGraph(planModel(spec), 'training').model;
}

/** @param weighted whether `share` has a number for each row, [rows, 1] */
export function stepGraph(plan: ModelPlan, mode: GraphMode, weighted = false): StepGraph {
  const g = createGraphBuilder(defaultOpset);
  const index = g.input('index', 'int32', ['time', 'rows']);
  const mask = plan.maskZero ? g.input('mask', 'bool', ['time', 'rows']) : undefined;
  const shapes = new Map(plan.parameters.map((parameter) => [parameter.name, parameter]));
  const weights = new Map<string, Value>();
  const byRow = new Set<string>();
  const gradients = new Map<string, Value>();
  const dropouts: DropoutInput[] = [];
  let unique: Value | undefined;

  function weight(name: string, shape: readonly Dimension[]): Value {
    const value = weights.get(name) ?? g.input(name, 'float32', shape);
    weights.set(name, value);
    return value;
  }
  const shapeOf = (name: string) => (shapes.get(name) as ParameterSpec).shape;
  const rowShape = (name: string) => ['unique', ...shapeOf(name).slice(1)];

  const pass: Pass = {
    g,
    mode,
    index,
    mask,
    unique: () => {
      unique ??= g.input('unique', 'int32', ['unique']);
      return unique;
    },
    initialState: (name, units) => g.input(name, 'float32', ['rows', units]),
    weight: (name) => weight(name, shapeOf(name)),
    rowsOf: (name) => {
      byRow.add(name);
      return weight(name, rowShape(name));
    },
    gradient: (name, value) => gradients.set(name, value),
    dropout: (purpose, stream, rate, layout, features) => {
      if (mode === 'evaluation' || rate === 0) return undefined;
      const name = g.input(`${purpose}/${stream}`, 'float32', dropoutShapes[layout](features));
      dropouts.push({ name, purpose, stream, rate, layout, features });
      return name;
    },
    sequenceShape: (features) => g.concat([g.shape(index), g.int64([features])], 0),
  };

  const forwarded: Forwarded[] = [];
  let signal: Signal = { kind: 'ids' };
  for (const [position, { layer }] of plan.layers.entries()) {
    const isHead = position === plan.layers.length - 1;
    const layerGraph = layerGraphs[layer.type] as LayerGraph;
    const passed: Forwarded = isHead
      ? denseLinear(pass, layer as LayerOf<'dense'>, signal as Vector)
      : layerGraph(pass, layer, position, signal);
    forwarded.push(passed);
    signal = passed.output;
  }
  const logits = (signal as Signal as Vector).value;

  if (mode === 'training') {
    let gradient: Value | undefined = lossGradient(g.scope('loss'), plan.head, logits, {
      targets: g.input('targets', 'int32', ['rows']),
      share: g.input('share', 'float32', weighted ? ['rows', 1] : []),
    });
    for (const { backward } of forwarded.toReversed()) {
      if (gradient === undefined) break;
      gradient = backward(gradient);
    }
  }
  g.output('logits', logits, 'float32', ['rows', plan.head.outputs]);
  for (const [name, value] of gradients) {
    g.output(gradientName(name), value, 'float32', byRow.has(name) ? rowShape(name) : shapeOf(name));
  }
  const model: ModelGraph = {
    ...g.build(mode),
    opset: defaultOpset,
    producer: { name: 'recurrent-onnx', version: '' },
    metadata: [],
  };
  checkGraph(model);
  return { model, byRow, dropouts, takesUnique: unique !== undefined };
}

/** The output that holds the gradient of a parameter. No layer's name has a colon, so it is nothing else's name. */
export function gradientName(parameter: string): string {
  return `gradient:${parameter}`;
}
