/**
 * An embedding whose gradient adds up the rows by their ids. That of TensorFlow.js' `cpu` backend walks over the whole
 * gradient once for each word of the vocabulary, and takes longer than everything else in a model.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayerVariable, Shape } from '@tensorflow/tfjs-layers';
import type { Tensorflow } from '../backend.ts';
import { type Layer, single } from '../layers/tensorflow-layer.ts';
import { withGradient } from '../layers/with-gradient.ts';

interface TensorflowEmbedding extends Layer {
  readonly embeddings: LayerVariable; // [inputDim, outputDim]
}

interface EmbeddingClass {
  new (args: object): TensorflowEmbedding;
  readonly className: string;
  readonly fromConfig: Tensorflow['layers']['Layer']['fromConfig'];
}

/** Registers the layer under the name of the one that it replaces. @returns what makes it, like `tf.layers.embedding` */
export function defineEmbedding(tf: Tensorflow): Tensorflow['layers']['embedding'] {
  const original = tf.layers.embedding({ inputDim: 1, outputDim: 1, name: 'embedding' });

  class Embedding extends (original.constructor as unknown as EmbeddingClass) {
    override call(inputs: Tensor | Tensor[], kwargs: object): Tensor | Tensor[] {
      if (tf.getBackend() !== 'cpu') return super.call(inputs, kwargs);
      return tf.tidy(() => {
        const ids = tf.cast(single(inputs), 'int32');
        const rows = lookUp(tf, this.embeddings.read(), tf.reshape(ids, [ids.size]));
        return tf.reshape(rows, this.computeOutputShape(ids.shape) as Shape as number[]);
      });
    }
  }
  tf.serialization.registerClass(Embedding);
  return (args) => new Embedding(args) as unknown as ReturnType<Tensorflow['layers']['embedding']>;
}

function lookUp(tf: Tensorflow, table: Tensor, ids: Tensor): Tensor {
  const [, width] = table.shape as [number, number];
  const places = ids.dataSync();
  const [rows] = withGradient(tf, [table], () => ({
    results: [tf.gather(table, ids as ReturnType<Tensorflow['tensor1d']>)],
    kept: [],
    gradient: ([dy]) => {
      const given = (dy as Tensor).dataSync();
      const sums = new Float32Array(table.size);
      places.forEach((id, place) => {
        for (let column = 0; column < width; column++) {
          sums[id * width + column] = (sums[id * width + column] as number) + (given[place * width + column] as number);
        }
      });
      return [tf.tensor(sums, table.shape)];
    },
  }));
  return rows as Tensor;
}
