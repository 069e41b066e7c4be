/** From a spec and its weights to a real `tf.LayersModel`. */
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { Layer, LayerOf, ModelSpec } from '../../../../models/layers.ts';
import { planModel, recurrencesOf } from '../../../../models/plan.ts';
import { checkWeights, type Tensor, type Weights } from '../../../../models/weights.ts';
import { dropoutStream } from '../../dropout.ts';
import type { Tensorflow } from './backend.ts';
import { defineLayers, type LayerClasses } from './layers/define.ts';
import type { Layer as TensorflowLayer } from './layers/tensorflow-layer.ts';

interface Place {
  readonly tf: Tensorflow;
  readonly classes: LayerClasses;
  /** Place in the spec. */
  readonly index: number;
  /** Set for a recurrent layer right after one-hot ids. */
  readonly oneHotDepth: number | null;
  /** The last layer gives the logits: its activation is applied by the model's second output. */
  readonly last: boolean;
}

const builders: { readonly [K in Layer['type']]: (layer: LayerOf<K>, place: Place) => TensorflowLayer } = {
  embedding: ({ name, inputDim, outputDim, maskZero }, { tf }) =>
    tf.layers.embedding({ name, inputDim, outputDim, maskZero, embeddingsInitializer: 'zeros' }),
  oneHot: ({ name, depth }, { classes }) => new classes.OneHot({ name, depth }),
  simpleRnn: recurrent,
  lstm: recurrent,
  gru: recurrent,
  bidirectional: (layer, { classes, oneHotDepth, index }) => {
    const streams = { forward: dropoutStream(index), backward: dropoutStream(index, 'backward') };
    return new classes.Bidirectional({ name: layer.name, layer, oneHotDepth, streams });
  },
  dropout: ({ name, rate }, { classes, index }) => new classes.Dropout({ name, rate, stream: dropoutStream(index) }),
  pooling: ({ name, kind }, { classes }) => new classes.Pooling({ name, kind }),
  dense: ({ name, units, activation, useBias }, { tf, last }) =>
    tf.layers.dense({
      name,
      units,
      useBias,
      activation: last ? 'linear' : activation,
      kernelInitializer: 'zeros',
    }),
};

function recurrent(
  layer: LayerOf<'simpleRnn' | 'lstm' | 'gru'>,
  { classes, oneHotDepth, index }: Place,
): TensorflowLayer {
  return new classes.Recurrent({ name: layer.name, layer, oneHotDepth, stream: dropoutStream(index) });
}

/**
 * Builds a model that computes what the spec says. Its input is token ids [batch, time] (int32), its outputs are the
 * logits and the probabilities, each [batch, outputs]; its weights have the names of the spec. `model.save` and
 * `tf.loadLayersModel` work, the latter after `defineLayers(tf)`. The caller disposes the model.
 *
 * Dropout is the identity unless the model is called with `training: true`; then its masks are random, or, with the
 * `address` of a step too, those of every other engine.
 *
 * @throws WEIGHTS_INVALID
 */
export function toLayersModel(tf: Tensorflow, spec: ModelSpec, weights: Weights): LayersModel {
  const { parameters, head } = planModel(spec);
  checkWeights(weights, parameters);
  const classes = defineLayers(tf);
  const ids = tf.input({ shape: [null], dtype: 'int32', name: freeName('ids', spec) });

  let current: SymbolicTensor = ids;
  let oneHotDepth: number | null = null;
  spec.layers.forEach((layer, index) => {
    const next = spec.layers[index + 1];
    if (layer.type === 'oneHot' && next && recurrencesOf(next).length > 0) {
      oneHotDepth = layer.depth;
      return;
    }
    const build = builders[layer.type] as (layer: Layer, place: Place) => TensorflowLayer;
    current = build(layer, { tf, classes, index, oneHotDepth, last: !next }).apply(current) as SymbolicTensor;
    oneHotDepth = null;
  });
  const activation = tf.layers.activation({
    name: freeName('probabilities', spec),
    activation: head.outputs === 1 ? 'sigmoid' : 'softmax',
  });
  const outputs = [current, activation.apply(current) as SymbolicTensor];

  const model = tf.model({ name: spec.name, inputs: ids, outputs });
  tf.tidy(() => {
    for (const variable of model.weights) {
      const { data, shape } = weights.get(variable.originalName) as Tensor;
      variable.write(tf.tensor(data, [...shape]));
    }
  });
  return model;
}

/** `name`, or the same with underscores if a layer of the spec has it. */
function freeName(name: string, spec: ModelSpec): string {
  return spec.layers.some((layer) => layer.name === name) ? freeName(`${name}_`, spec) : name;
}
