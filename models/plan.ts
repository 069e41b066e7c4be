/**
 * The plan of a model: what each layer takes and gives, where masks flow, which parameters it has.
 * Engines, exporters and the reference walk the plan and never work these out again.
 */
import { fail } from '../src/core/errors.ts';
import type { BidirectionalLayer, Layer, LayerOf, ModelSpec, RecurrentLayer } from './layers.ts';
import { sizeOf } from './weights.ts';

/** Shapes without the batch and time dimensions, which are free. */
export type Shape =
  /** Token ids, [batch, time]. */
  | { readonly kind: 'ids' }
  /** [batch, time, features] */
  | { readonly kind: 'sequence'; readonly features: number }
  /** [batch, features] */
  | { readonly kind: 'vector'; readonly features: number };

/** How starting weights are drawn. */
export type Initialiser =
  | 'glorotUniform'
  | 'orthogonal'
  | 'zeros'
  | 'embeddingUniform'
  | 'forgetBiasOne'
  /** Mean 0, variance 1. */
  | 'standardNormal'
  /** Uniform within ± the bound. */
  | { readonly bound: number };

/** A tensor that is trained. */
export interface ParameterSpec {
  /** Unique in the model, e.g. `bidirectional/forward/kernel`. */
  readonly name: string;
  /** Sizes of its dimensions. */
  readonly shape: readonly number[];
  /** How its starting values are drawn. */
  readonly initialiser: Initialiser;
}

/** A state that a recurrent layer carries from step to step. */
export interface StateSpec {
  /** Unique in the model: `/h` for a hidden, `/c` for a cell state, e.g. `lstm/c` or `bidirectional/forward/h`. */
  readonly name: string;
  /** Numbers in it. */
  readonly units: number;
}

/** What a layer takes, gives and trains. */
export interface LayerPlan {
  /** As the spec has it. */
  readonly layer: Layer;
  /** What enters. */
  readonly input: Shape;
  /** What leaves. */
  readonly output: Shape;
  /** Whether a mask enters the layer: steps whose id is 0 are skipped. */
  readonly masked: boolean;
  /** What is trained. */
  readonly parameters: readonly ParameterSpec[];
}

/** What the last layer gives and how it is judged. */
export interface Head {
  /** Columns of the output: 1 for binary, else the number of classes. */
  readonly outputs: number;
  /** 2 for a binary head. */
  readonly classes: number;
  /** What training makes small. */
  readonly loss: 'binaryCrossentropy' | 'categoricalCrossentropy';
  /** The last layer is linear: its output is the logit, and the loss is computed from that. */
  readonly fromLogits: boolean;
}

/** What follows from a spec: shapes, parameters, states, masks. */
export interface ModelPlan {
  /** The spec itself. */
  readonly spec: ModelSpec;
  /** In the order of the spec. */
  readonly layers: readonly LayerPlan[];
  /** Of all layers. */
  readonly parameters: readonly ParameterSpec[];
  /** In the order of the layers, forward before backward, hidden before cell state. */
  readonly states: readonly StateSpec[];
  /** Ids are 0 … vocabularySize − 1. */
  readonly vocabularySize: number;
  /** Whether ids 0 are masked. */
  readonly maskZero: boolean;
  /** What the last layer gives. */
  readonly head: Head;
}

/** Gates of each recurrent kind, in Keras' order: i f c o; z r h. */
export const gates = { simpleRnn: 1, lstm: 4, gru: 3 } as const satisfies Record<RecurrentLayer['type'], number>;

/**
 * Checks that the layers of `spec` fit together and lays out their parameters.
 * @throws SPEC_INVALID naming the layer
 */
export function planModel(spec: ModelSpec): ModelPlan {
  const layers: LayerPlan[] = [];
  let input: Shape = { kind: 'ids' };
  let masked = false;
  for (const layer of spec.layers) {
    const { output, parameters } = planLayer(layer, input, masked);
    layers.push({ layer, input, output, masked, parameters: parameters.map(drawnBy(spec, layer, input)) });
    masked = output.kind === 'sequence' && (masked || (layer.type === 'embedding' && layer.maskZero));
    input = output;
  }
  const names = layers.map(({ layer }) => layer.name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated) refuse(repeated, 'is the name of two layers', 'Give each layer its own name.');

  const first = spec.layers[0] as Layer;
  return {
    spec,
    layers,
    parameters: layers.flatMap(({ parameters }) => parameters),
    states: spec.layers.flatMap(statesOf),
    vocabularySize: first.type === 'embedding' ? first.inputDim : (first as LayerOf<'oneHot'>).depth,
    maskZero: first.type === 'embedding' && first.maskZero,
    head: headOf(spec.layers.at(-1) as Layer),
  };
}

/** Parameters of one layer, or of a whole model. */
export function countParameters({ parameters }: { readonly parameters: readonly ParameterSpec[] }): number {
  return parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/**
 * Parameters of a recurrent layer under the prefix of its names, in Keras' layout: kernel [in, G·units], recurrent kernel
 * [units, G·units], bias [G·units] or [2, G·units].
 */
export function recurrentParameters(layer: RecurrentLayer, features: number, prefix: string): ParameterSpec[] {
  const width = gates[layer.type] * layer.units;
  const parameters: ParameterSpec[] = [
    { name: `${prefix}/kernel`, shape: [features, width], initialiser: 'glorotUniform' },
    { name: `${prefix}/recurrent_kernel`, shape: [layer.units, width], initialiser: 'orthogonal' },
  ];
  if (layer.bias === 'none') return parameters;
  const initialiser = layer.type === 'lstm' && layer.unitForgetBias ? 'forgetBiasOne' : 'zeros';
  const shape = layer.bias === 'double' ? [2, width] : [width];
  return [...parameters, { name: `${prefix}/bias`, shape, initialiser }];
}

/** The parameter as Keras starts it, or with the initialiser that PyTorch has for its layer. */
function drawnBy({ initialisers }: ModelSpec, layer: Layer, input: Shape): (parameter: ParameterSpec) => ParameterSpec {
  if (initialisers === 'keras') return (parameter) => parameter;
  const recurrent = recurrencesOf(layer)[0]?.layer;
  if (recurrent?.type === 'lstm' && recurrent.unitForgetBias && recurrent.bias !== 'none') {
    refuse(layer.name, "has unitForgetBias, but PyTorch's initialisers draw all biases", 'Set unitForgetBias: false.');
  }
  const initialiser: Initialiser =
    layer.type === 'embedding' ? 'standardNormal' : { bound: 1 / Math.sqrt(recurrent?.units ?? featuresOf(input)) };
  return (parameter) => ({ ...parameter, initialiser });
}

function featuresOf(shape: Shape): number {
  return shape.kind === 'ids' ? 1 : shape.features;
}

/** Names of the states of each recurrent kind: the hidden one first. */
export const stateNames = { simpleRnn: ['h'], lstm: ['h', 'c'], gru: ['h'] } as const satisfies Record<
  RecurrentLayer['type'],
  readonly string[]
>;

/** One walk through time, with weights and states of its own. */
export interface RecurrencePlan {
  /** What the names of its parameters and states begin with: `lstm`, or `bidirectional/forward`. */
  readonly prefix: string;
  readonly layer: RecurrentLayer;
}

/** The walks of a layer through time: one of a recurrent layer, two of a bidirectional one, none of others. */
export function recurrencesOf(layer: Layer): readonly RecurrencePlan[] {
  switch (layer.type) {
    case 'simpleRnn':
    case 'lstm':
    case 'gru':
      return [{ prefix: layer.name, layer }];
    case 'bidirectional':
      return ['forward', 'backward'].map((direction) => ({
        prefix: `${layer.name}/${direction}`,
        layer: layer.layer,
      }));
    case 'embedding':
    case 'oneHot':
    case 'pooling':
    case 'dropout':
    case 'dense':
      return [];
  }
}

function statesOf(layer: Layer): StateSpec[] {
  return recurrencesOf(layer).flatMap(({ prefix, layer: { type, units } }) =>
    stateNames[type].map((name) => ({ name: `${prefix}/${name}`, units })),
  );
}

function recurrentParametersOf(layer: Layer, features: number): ParameterSpec[] {
  return recurrencesOf(layer).flatMap(({ prefix, layer }) => recurrentParameters(layer, features, prefix));
}

function planLayer(layer: Layer, input: Shape, masked: boolean): Pick<LayerPlan, 'output' | 'parameters'> {
  switch (layer.type) {
    case 'embedding': {
      expectIds(layer, input);
      const shape = [layer.inputDim, layer.outputDim];
      return {
        output: { kind: 'sequence', features: layer.outputDim },
        parameters: [{ name: `${layer.name}/embeddings`, shape, initialiser: 'embeddingUniform' }],
      };
    }
    case 'oneHot':
      expectIds(layer, input);
      return { output: { kind: 'sequence', features: layer.depth }, parameters: [] };
    case 'simpleRnn':
    case 'lstm':
    case 'gru': {
      const features = expectSequence(layer, input);
      checkRecurrent(layer, layer.name);
      if (layer.goBackwards && layer.returnSequences && masked) {
        refuse(
          layer.name,
          'reads backwards, returns sequences and is masked: its outputs would no longer match the mask',
          'Use bidirectional, or leave out maskZero.',
        );
      }
      return {
        output: recurrentOutput(layer, layer.units),
        parameters: recurrentParametersOf(layer, features),
      };
    }
    case 'bidirectional': {
      const features = expectSequence(layer, input);
      checkRecurrent(layer.layer, `${layer.name}.layer`);
      if (layer.layer.goBackwards) {
        refuse(
          layer.name,
          'has an inner layer with goBackwards',
          'Leave goBackwards out: both directions are read anyway.',
        );
      }
      return {
        output: recurrentOutput(layer.layer, mergedFeatures(layer)),
        parameters: recurrentParametersOf(layer, features),
      };
    }
    case 'dropout':
      if (input.kind === 'ids') refuse(layer.name, 'stands before the embedding', 'Put it after the embedding.');
      return { output: input, parameters: [] };
    case 'pooling':
      return { output: { kind: 'vector', features: expectSequence(layer, input) }, parameters: [] };
    case 'dense': {
      if (input.kind !== 'vector') {
        refuse(
          layer.name,
          `takes [batch, features], but gets ${describe(input)}`,
          'Put a recurrent layer without returnSequences, or pooling, before it.',
        );
      }
      const kernel: ParameterSpec = {
        name: `${layer.name}/kernel`,
        shape: [input.features, layer.units],
        initialiser: 'glorotUniform',
      };
      const bias: ParameterSpec = { name: `${layer.name}/bias`, shape: [layer.units], initialiser: 'zeros' };
      return {
        output: { kind: 'vector', features: layer.units },
        parameters: layer.useBias ? [kernel, bias] : [kernel],
      };
    }
  }
}

export function mergedFeatures(layer: BidirectionalLayer): number {
  return layer.mergeMode === 'concat' ? 2 * layer.layer.units : layer.layer.units;
}

function recurrentOutput(layer: RecurrentLayer, features: number): Shape {
  return layer.returnSequences ? { kind: 'sequence', features } : { kind: 'vector', features };
}

function checkRecurrent(layer: RecurrentLayer, where: string): void {
  if (layer.type === 'gru' && layer.resetAfter && layer.bias === 'single') {
    refuse(
      where,
      'has resetAfter with a single bias',
      "Use bias 'double' (as Keras and PyTorch do) or 'none', or resetAfter: false.",
    );
  }
}

function headOf(layer: Layer): Head {
  const hint = "End with dense: 1 unit with 'sigmoid' or 'linear', or one unit a class with 'softmax' or 'linear'.";
  if (layer.type !== 'dense') refuse(layer.name, `is the last layer and is ${layer.type}`, hint);
  const { units, activation } = layer;
  const binary = units === 1;
  if (activation !== 'linear' && activation !== (binary ? 'sigmoid' : 'softmax')) {
    refuse(layer.name, `is the last layer, has ${units} unit${binary ? '' : 's'} and activation ${activation}`, hint);
  }
  return {
    outputs: units,
    classes: binary ? 2 : units,
    loss: binary ? 'binaryCrossentropy' : 'categoricalCrossentropy',
    fromLogits: activation === 'linear',
  };
}

function expectIds(layer: Layer, input: Shape): void {
  if (input.kind !== 'ids')
    refuse(layer.name, `takes token ids, but gets ${describe(input)}`, 'It must be the first layer.');
}

function expectSequence(layer: Layer, input: Shape): number {
  if (input.kind === 'sequence') return input.features;
  const hint = input.kind === 'ids' ? 'Begin with embedding or oneHot.' : 'Set returnSequences on the layer before it.';
  return refuse(layer.name, `takes [batch, time, features], but gets ${describe(input)}`, hint);
}

function describe(shape: Shape): string {
  if (shape.kind === 'ids') return 'token ids [batch, time]';
  return shape.kind === 'sequence' ? `[batch, time, ${shape.features}]` : `[batch, ${shape.features}]`;
}

function refuse(layer: string, what: string, hint: string): never {
  fail('SPEC_INVALID', `layer ${layer} ${what}`, hint);
}
