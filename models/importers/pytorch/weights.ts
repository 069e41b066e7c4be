/**
 * The one place that knows how PyTorch lays out weights: [gates·units, inputs] with LSTM gates i f g o and GRU gates r z n,
 * where a spec has [inputs, gates·units] with i f c o and z r h. https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html
 */
import { fail } from '../../../src/core/errors.ts';
import type { BidirectionalLayer, Layer, ModelSpec, RecurrentLayer } from '../../layers.ts';
import { planModel } from '../../plan.ts';
import { checkWeights, type Tensor, type Weights } from '../../weights.ts';
import type { Direction, RecurrentModule } from './modules.ts';
import type { Order } from './order.ts';

/** Gate g of a spec is gate `gates[g]` of PyTorch. */
const gates = { simpleRnn: [0], lstm: [0, 1, 2, 3], gru: [1, 0, 2] } as const satisfies Record<
  RecurrentLayer['type'],
  readonly number[]
>;

/** A layer of the spec and what of the file it has its weights from. */
export interface Place {
  readonly layer: Layer;
  readonly module: string;
  readonly kind: string;
}

/** @throws IMPORT_INVALID, LAYER_UNSUPPORTED, WEIGHTS_INVALID */
export function fillSpec(
  spec: ModelSpec,
  order: Order,
): { readonly weights: Weights; readonly places: readonly Place[] } {
  const weights = new Map<string, Tensor>();
  const places: Place[] = [];
  const { embedding, recurrent, linear } = order;
  const depths = recurrent.flatMap((module) => module.layers.map((directions) => ({ module, directions })));
  const rest = { recurrent: [...depths], linear: [...linear] };
  for (const layer of spec.layers) {
    if (layer.type === 'embedding') {
      weights.set(`${layer.name}/embeddings`, embedding.weight);
      places.push({ layer, module: embedding.name, kind: 'Embedding' });
    } else if (layer.type === 'dense') {
      const next = rest.linear.shift() ?? noMore(layer, 'linear');
      weights.set(`${layer.name}/kernel`, transpose(next.weight));
      if (next.bias) weights.set(`${layer.name}/bias`, next.bias);
      places.push({ layer, module: next.name, kind: 'Linear' });
    } else if (layer.type === 'oneHot') {
      fail(
        'LAYER_UNSUPPORTED',
        `layer ${layer.name} of the spec is oneHot, the file begins with an embedding`,
        'Change the spec.',
      );
    } else if ('units' in layer || layer.type === 'bidirectional') {
      const next = rest.recurrent.shift() ?? noMore(layer, 'recurrent');
      fillRecurrent(layer as RecurrentLayer | BidirectionalLayer, next.module, next.directions, weights);
      places.push({ layer, module: next.module.name, kind: moduleKinds[next.module.type] });
    }
  }
  const left = rest.recurrent.length + rest.linear.length;
  if (left > 0)
    fail('LAYER_UNSUPPORTED', `the file has ${left} layers more than the spec`, 'Describe the whole model.');
  checkWeights(weights, planModel(spec).parameters);
  return { weights, places };
}

const moduleKinds = { simpleRnn: 'RNN', lstm: 'LSTM', gru: 'GRU' } as const;

function noMore(layer: Layer, kind: string): never {
  return fail(
    'LAYER_UNSUPPORTED',
    `the file has no ${kind} layer for ${layer.name} of the spec`,
    'Describe the model of the file.',
  );
}

function fillRecurrent(
  layer: RecurrentLayer | BidirectionalLayer,
  module: RecurrentModule,
  directions: readonly [Direction, Direction?],
  weights: Map<string, Tensor>,
): void {
  const inner = layer.type === 'bidirectional' ? layer.layer : layer;
  const named = module.name || 'the recurrent layer of the file';
  const hint = 'Describe the model of the file.';
  if (inner.type !== module.type || module.bidirectional !== (layer.type === 'bidirectional')) {
    const kind = `${module.bidirectional ? 'bidirectional ' : ''}${module.type}`;
    fail('LAYER_UNSUPPORTED', `layer ${layer.name} of the spec is ${layer.type}, ${named} is ${kind}`, hint);
  }
  if (inner.type === 'gru' && !inner.resetAfter) {
    fail('LAYER_UNSUPPORTED', `layer ${layer.name} of the spec is a GRU without resetAfter, PyTorch's has it`, hint);
  }
  const [forward, backward] = directions;
  const prefix = layer.type === 'bidirectional' ? `${layer.name}/forward` : layer.name;
  fillDirection(inner, forward, prefix, weights);
  if (backward) fillDirection(inner, backward, `${layer.name}/backward`, weights);
}

function fillDirection(
  layer: RecurrentLayer,
  { weightIh, weightHh, biases }: Direction,
  prefix: string,
  weights: Map<string, Tensor>,
): void {
  const order = gates[layer.type];
  weights.set(`${prefix}/kernel`, transpose(inOrder(weightIh, order)));
  weights.set(`${prefix}/recurrent_kernel`, transpose(inOrder(weightHh, order)));
  if (!biases) return;
  const [ih, hh] = biases.map((bias) => inOrder(bias, order).data) as [Float32Array, Float32Array];
  const width = ih.length;
  // a spec with one bias has the sum of PyTorch's two
  if (layer.bias === 'single')
    weights.set(`${prefix}/bias`, { shape: [width], data: ih.map((value, at) => value + (hh[at] as number)) });
  else {
    const data = new Float32Array(2 * width);
    data.set(ih);
    data.set(hh, width);
    weights.set(`${prefix}/bias`, { shape: [2, width], data });
  }
}

/** The blocks of rows of the gates in the order of a spec. */
function inOrder({ shape, data }: Tensor, order: readonly number[]): Tensor {
  const block = data.length / order.length;
  const sorted = new Float32Array(data.length);
  for (const [to, from] of order.entries()) sorted.set(data.subarray(from * block, (from + 1) * block), to * block);
  return { shape, data: sorted };
}

/** [rows, columns] → [columns, rows] */
function transpose({ shape, data }: Tensor): Tensor {
  const [rows = 0, columns = 0] = shape;
  const turned = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      turned[column * rows + row] = data[row * columns + column] as number;
  }
  return { shape: [columns, rows], data: turned };
}
