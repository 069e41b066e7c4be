/**
 * SimpleRNN, LSTM and GRU that stand in the place of TensorFlow.js' own, and the embedding below them. Each class extends
 * the one that it replaces and overrides nothing but the computation: options, weights, initialisers, regularisers,
 * constraints, states and what is saved are TensorFlow.js' own, so that saved models go both ways.
 */
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import { stateNames } from '../../../../../models/plan.ts';
import { fail } from '../../../../core/errors.ts';
import { checkOptionNames } from '../../../../core/option-names.ts';
import type { Tensorflow } from '../backend.ts';
import { judgeCudnn } from '../layers/cudnn-verdicts.ts';
import { single } from '../layers/tensorflow-layer.ts';
import { describeLayer } from './describe-layer.ts';
import { defineEmbedding } from './embedding.ts';
import { kernelsOf, type LayerResult, placeLayer } from './run-layer.ts';
import { type Arguments, type CallArguments, classOf, type Kind, type TensorflowRnn } from './tensorflow-rnn.ts';

/** How the layers behave. */
export interface RecurrentLayersOptions {
  /** Of the dropout masks, so that training repeats: any safe integer ≥ 0. Default: at random. */
  readonly seed?: number;
  /**
   * What happens to a layer that cannot be computed fast, because of its activation or of the backend. `warn`:
   * TensorFlow.js' own layer computes it, and a warning on the console says so, once a layer. `refuse`: it throws.
   * Default: `warn`.
   */
  readonly fallback?: 'warn' | 'refuse';
}

/** What `tf.layers` has under the same names, with the same options. */
export type RecurrentLayers = {
  readonly [K in Kind | 'embedding']: (args: Arguments<K>) => ReturnType<Tensorflow['layers'][K]>;
};

/**
 * Recurrent layers for any `tf.LayersModel`, computed by TensorFlow's fused operations or this package's kernels. They
 * are registered under TensorFlow.js' names: from now on `tf.loadLayersModel` and `tf.layers.bidirectional` use them too.
 *
 * @param tf `@tensorflow/tfjs-node`, `@tensorflow/tfjs-node-gpu` or `@tensorflow/tfjs`, 4.x
 * @returns `simpleRNN`, `lstm`, `gru` and `embedding`, to be called like those of `tf.layers`
 * @throws OPTION_UNKNOWN, OPTION_INVALID; OPTION_UNSUPPORTED from a layer that is computed, with `fallback: 'refuse'`
 */
export function recurrentLayers(tf: Tensorflow, options: RecurrentLayersOptions = {}): RecurrentLayers {
  checkOptionNames('recurrentLayers', options, ['seed', 'fallback']);
  const { seed = Math.floor(Math.random() * 2 ** 32), fallback = 'warn' } = options;
  if (!Number.isSafeInteger(seed) || seed < 0) {
    fail('OPTION_INVALID', `seed is ${seed}`, 'Give a whole number, 0 or more.');
  }
  if (fallback !== 'warn' && fallback !== 'refuse') {
    fail('OPTION_INVALID', `fallback is ${fallback}`, "It is 'warn' or 'refuse'.");
  }
  let draws = 0;
  const draw = () => ({ seed, epoch: 0, step: draws++ });

  const said = new Set<string>();
  function sayWhyNotOnCudnn(layer: RecurrentLayer, inputs: Parameters<typeof judgeCudnn>[2]): void {
    const verdict = judgeCudnn(tf, layer, inputs);
    if (!verdict || verdict.taken || said.has(verdict.reason)) return;
    said.add(verdict.reason);
    console.warn(`layer ${layer.name}: not on cuDNN: ${verdict.reason}; other operations of TensorFlow compute it`);
  }

  function define<K extends Kind>(kind: K) {
    class Recurrent extends classOf(tf, kind) {
      readonly #kernels = kernelsOf();
      #warned = false;

      override call(inputs: Tensor | Tensor[], kwargs: object = {}): Tensor | Tensor[] {
        const run = this.#place();
        if (typeof run === 'string') {
          this.#fallBack(run);
          return super.call(inputs, kwargs);
        }
        const { mask, training, initialState } = kwargs as CallArguments;
        return tf.tidy(() => {
          const x = tf.cast(single(inputs), 'float32') as Tensor3D;
          const { layer, run: compute } = run;
          const result = compute(tf, {
            layer,
            weights: weightsOf(this),
            x,
            mask: mask ?? null,
            initial: initialState ?? this.#initialStates(layer, x.shape[0]),
            address: training && layer.dropout + layer.recurrentDropout > 0 ? draw() : undefined,
            withStates: this.returnState || this.stateful,
          });
          sayWhyNotOnCudnn(layer, { features: x.shape[2], masked: !!mask });
          return this.#leave(result, training === true);
        });
      }

      #place() {
        const layer = describeLayer(kind, this);
        if (typeof layer === 'string') return layer;
        const run = placeLayer(tf, layer, this.#kernels);
        return typeof run === 'string' ? run : { layer, run };
      }

      #fallBack(reason: string): void {
        const message = `layer ${this.name}: ${reason}`;
        if (fallback === 'refuse') {
          fail('OPTION_UNSUPPORTED', message, "Leave out fallback: 'refuse', and TensorFlow.js computes it itself.");
        }
        if (!this.#warned) console.warn(`${message}; TensorFlow.js computes it itself, slowly`);
        this.#warned = true;
      }

      #initialStates({ type, units }: RecurrentLayer, batch: number): Tensor2D[] {
        if (this.stateful) return this.states as Tensor2D[];
        return stateNames[type].map(() => tf.zeros([batch, units]));
      }

      #leave({ output, states }: LayerResult, training: boolean): Tensor | Tensor[] {
        if (this.stateful) this.resetStates([...states], training);
        return this.returnState ? [output, ...states] : output;
      }
    }
    tf.serialization.registerClass(Recurrent);
    return (args: Arguments<K>) => new Recurrent(args) as unknown as ReturnType<Tensorflow['layers'][K]>;
  }

  return {
    simpleRNN: define('simpleRNN'),
    lstm: define('lstm'),
    gru: define('gru'),
    embedding: defineEmbedding(tf),
  };
}

function weightsOf({ cell }: TensorflowRnn): Tensor[] {
  return [cell.kernel, cell.recurrentKernel, cell.bias].flatMap((variable) => (variable ? [variable.read()] : []));
}
