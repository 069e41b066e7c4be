/**
 * A spec as a person writes it, with defaults left out. Written by hand and not inferred from the schema of `layers.ts`,
 * so that editors show what each option means; a test holds the two against each other.
 */
import type { Activation } from './activations.ts';

/** A model: a version, a name, a list of layers. `docs/spec.md` has all of it. */
export interface SpecInput {
  /** Of this form. */
  version: 1;
  /** Of the model, 1 to 100 characters. */
  name: string;
  /** Whose rules draw the starting weights: Keras' kind by kind, or PyTorch's ±1/√units for all weights of a layer. Default: `keras`. */
  initialisers?: 'keras' | 'pytorch' | undefined;
  /** From the input to the output: first `embedding` or `oneHot`, last `dense`. */
  layers: LayerInput[];
}

/** One layer of a model. */
export type LayerInput =
  | EmbeddingInput
  | OneHotInput
  | RecurrentInput
  | BidirectionalInput
  | PoolingInput
  | DropoutInput
  | DenseInput;

/** A layer that walks through time. */
export type RecurrentInput = SimpleRnnInput | LstmInput | GruInput;

/** Of every layer. */
interface NamedInput {
  /** Letters, digits, `.`, `_` and `-`. Default: as Keras would name it: `lstm`, `lstm_1`, … */
  name?: string | undefined;
}

/** A learnt vector for each id: [batch, time] → [batch, time, outputDim]. */
export interface EmbeddingInput extends NamedInput {
  type: 'embedding';
  /** Vocabulary size: ids are 0 … inputDim − 1. */
  inputDim: number;
  /** Numbers in a vector. */
  outputDim: number;
  /** Steps whose id is 0 are skipped by the layers above. Default: false. */
  maskZero?: boolean | undefined;
}

/** A 1 in the place of the id: [batch, time] → [batch, time, depth]. Rows of the next kernel are looked up instead; nothing is stored. */
export interface OneHotInput extends NamedInput {
  type: 'oneHot';
  /** Vocabulary size: ids are 0 … depth − 1. */
  depth: number;
}

/** Of every recurrent layer: [batch, time, features] → [batch, units], or [batch, time, units] with `returnSequences`. */
interface RecurrenceInput extends NamedInput {
  /** Size of the hidden state. */
  units: number;
  /** Of the candidate; of a SimpleRNN, of the state. Default: `tanh`. */
  activation?: Activation | undefined;
  /** Gives the output of every time step instead of the last one. Default: false. */
  returnSequences?: boolean | undefined;
  /** Reads the sequence from its end; outputs stay in the order of reading, as in Keras. Default: false. */
  goBackwards?: boolean | undefined;
  /** Share of the inputs that are dropped while training: one mask a sequence, the same for all steps and gates. Default: 0. */
  dropout?: number | undefined;
  /** The same for the hidden state that enters a step. Default: 0. */
  recurrentDropout?: number | undefined;
}

/** h ← activation(x · kernel + h · recurrent kernel + bias). */
export interface SimpleRnnInput extends RecurrenceInput {
  type: 'simpleRnn';
  /** One vector as in Keras (`single`), one for each kernel as in PyTorch (`double`), or `none`. Default: `single`. */
  bias?: BiasInput | undefined;
}

/** Long short-term memory: input, forget and output gate around a cell state. */
export interface LstmInput extends RecurrenceInput {
  type: 'lstm';
  /** Of the gates. Default: `sigmoid`. */
  recurrentActivation?: Activation | undefined;
  /** One vector as in Keras (`single`), one for each kernel as in PyTorch (`double`), or `none`. Default: `single`. */
  bias?: BiasInput | undefined;
  /** The forget gate's bias starts at 1. Default: true. */
  unitForgetBias?: boolean | undefined;
}

/** Gated recurrent unit: update and reset gate. */
export interface GruInput extends RecurrenceInput {
  type: 'gru';
  /** Of the gates. Default: `sigmoid`. */
  recurrentActivation?: Activation | undefined;
  /** The reset gate acts after the recurrent product (Keras, cuDNN, PyTorch) or before it (Cho et al., 2014). Default: true. */
  resetAfter?: boolean | undefined;
  /** One vector (`single`), one for each kernel (`double`), or `none`. Default, as in Keras: `double` with `resetAfter`, else `single`. */
  bias?: BiasInput | undefined;
}

type BiasInput = 'none' | 'single' | 'double';

/** A recurrent layer in both directions, each with weights of its own. */
export interface BidirectionalInput extends NamedInput {
  type: 'bidirectional';
  /** The layer that reads forwards; another one like it reads backwards. */
  layer: RecurrentInput;
  /** How the two outputs become one; `concat` puts them side by side: 2 · units. Default: `concat`. */
  mergeMode?: 'concat' | 'sum' | 'mul' | 'ave' | undefined;
}

/** Average or maximum over the unmasked time steps: [batch, time, features] → [batch, features]. A row without any gives zeros. */
export interface PoolingInput extends NamedInput {
  type: 'pooling';
  /** Which of the two. */
  kind: 'average' | 'max';
}

/** Drops elements while training. */
export interface DropoutInput extends NamedInput {
  type: 'dropout';
  /** Share of the elements that are dropped. */
  rate: number;
}

/** [batch, features] → [batch, units]. The last layer of a model: 1 unit for two classes, or one for each class. */
export interface DenseInput extends NamedInput {
  type: 'dense';
  /** Outputs. */
  units: number;
  /** `sigmoid` for one unit, `softmax` for one a class, or `linear`, which trains on the logits. Default: `linear`. */
  activation?: 'linear' | 'sigmoid' | 'softmax' | 'relu' | 'tanh' | undefined;
  /** Default: true. */
  useBias?: boolean | undefined;
}
