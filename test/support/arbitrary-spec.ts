/**
 * Small valid models at random: every layer, every option, with weights and a batch that fit them.
 * A case is described by its spec, its sizes and one seed, so that fast-check can shrink it and a failure
 * can be read: weights and ids are drawn from the seed, never listed.
 */
import fc from 'fast-check';
import { type Activation, activations } from '../../models/activations.ts';
import type { Layer, ModelSpec } from '../../models/layers.ts';
import { planModel, recurrencesOf } from '../../models/plan.ts';
import { parseSpec } from '../../models/spec.ts';
import type { LayerInput, RecurrentInput } from '../../models/spec-input.ts';
import { sizeOf, type Tensor } from '../../models/weights.ts';
import { createRandom, type Random } from '../../src/core/random.ts';
import type { Batch } from '../../src/training/engine.ts';

/** Those that bound what they give: an unbounded one in a gate can make a model chaotic, and float32 useless. */
export const boundedActivations: readonly Activation[] = [
  'tanh',
  'sigmoid',
  'hardSigmoid',
  'hardSigmoidLegacy',
  'softsign',
  'scaledTanh',
];

/** Those that stay within 1: a gate beyond, of scaledTanh up to 1.7, multiplies what a state is off by at every step. */
export const activationsWithinOne = boundedActivations.filter((activation) => activation !== 'scaledTanh');

type RecurrentKind = RecurrentInput['type'];

export interface SpecLimits {
  /** Activations and recurrent activations to draw from. Default: all. */
  readonly activations?: readonly Activation[];
  /** Recurrent kinds to draw from. Default: all. */
  readonly kinds?: readonly RecurrentKind[];
  /** Dropout layers, `dropout` and `recurrentDropout`. Default: `sometimes`. */
  readonly dropout?: 'never' | 'sometimes';
  /** Default: `sometimes`. */
  readonly maskZero?: 'never' | 'sometimes' | 'always';
  /** Units of recurrent layers, 1 … `maxUnits`. Default: 5. */
  readonly maxUnits?: number;
  /** Recurrent layers, 0 … `maxRecurrent`; with none the model pools its embeddings. Default: 3. */
  readonly maxRecurrent?: number;
  /** Rows of the batch, 1 … `maxRows`. Default: 5. */
  readonly maxRows?: number;
}

export interface ModelCase {
  readonly spec: ModelSpec;
  readonly rows: number;
  readonly time: number;
  readonly seed: number;
}

/** A spec with sizes and a seed; give it to `materialise` for weights and a batch. */
export function arbitraryCase(limits: SpecLimits = {}): fc.Arbitrary<ModelCase> {
  return fc.record({
    spec: arbitrarySpec(limits),
    rows: fc.integer({ min: 1, max: limits.maxRows ?? 5 }),
    time: fc.integer({ min: 1, max: 7 }),
    seed: fc.nat(),
  });
}

export interface Materials {
  readonly weights: Map<string, Tensor>;
  readonly batch: Batch;
}

/** The weights and the batch that a case stands for. */
export function materialise({ spec, rows, time, seed }: ModelCase): Materials {
  return { weights: randomWeights(spec, seed), batch: randomBatch(spec, rows, time, seed) };
}

/** A whole valid spec. */
export function arbitrarySpec(limits: SpecLimits = {}): fc.Arbitrary<ModelSpec> {
  const dropping = limits.dropout !== 'never';
  const maybeDropout = dropping ? fc.option(arbitraryRate.map(dropoutLayer)) : fc.constant(null);
  return fc
    .record({
      first: arbitraryFirst(limits),
      recurrent: fc.array(fc.tuple(maybeDropout, arbitraryRecurrent(limits)), { maxLength: limits.maxRecurrent ?? 3 }),
      pooling: fc.option(fc.constantFrom('average' as const, 'max' as const)),
      beforeHead: fc.tuple(maybeDropout, fc.option(arbitraryHidden), maybeDropout),
      head: arbitraryHead,
    })
    .map(({ first, recurrent, pooling, beforeHead, head }) => {
      const masked = first.type === 'embedding' && first.maskZero === true;
      const reduced = recurrent.length > 0 && pooling === null;
      const stack = recurrent.flatMap(([dropout, layer], index) => [
        dropout,
        sequences(layer, !(reduced && index === recurrent.length - 1), masked),
      ]);
      const pool: LayerInput | null = reduced ? null : { type: 'pooling', kind: pooling ?? 'average' };
      const layers = [first, ...stack, pool, ...beforeHead, head].filter((layer) => layer !== null);
      return parseSpec({ version: 1, name: 'arbitrary', layers });
    });
}

/** Weights for `spec`: uniform, and so scaled that activations stay of the order of 1. */
export function randomWeights(spec: ModelSpec, seed: number): Map<string, Tensor> {
  const parameters = planModel(spec).layers.flatMap(({ layer, parameters }) =>
    parameters.map(({ name, shape }) => ({ name, shape, bound: boundOf(layer, name, shape[0] ?? 1) })),
  );
  return new Map(
    parameters.map(({ name, shape, bound }, index) => {
      const random = createRandom({ seed, purpose: 'initialise', stream: index });
      return [
        name,
        { shape, data: Float32Array.from({ length: sizeOf(shape) }, () => between(random, -bound, bound)) },
      ];
    }),
  );
}

/** Weights times `scale`: where gates have no bound, or one above 1, states at full size can multiply at every step. */
export function scaledBy(scale: number, weights: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  return new Map([...weights].map(([name, { shape, data }]) => [name, { shape, data: data.map((x) => scale * x) }]));
}

/** The largest weight of a parameter. Without bounds on its gates a state can grow as the square of the last one. */
function boundOf(layer: Layer, parameter: string, fanIn: number): number {
  if (parameter.endsWith('/embeddings')) return 1.2;
  if (parameter.endsWith('/bias')) return 0.4;
  const recurrent = recurrencesOf(layer)[0]?.layer;
  if (!recurrent) return 1.2 / Math.sqrt(fanIn);
  const isBounded = (activation: Activation) => boundedActivations.includes(activation);
  if (recurrent.type !== 'simpleRnn' && !isBounded(recurrent.recurrentActivation)) return 0.25 / fanIn;
  return isBounded(recurrent.activation) ? 1.2 / Math.sqrt(fanIn) : 0.5 / fanIn;
}

/** Ids with zeros before, after, between, everywhere or nowhere, row by row; targets of the head's classes. */
export function randomBatch(spec: ModelSpec, rows: number, time: number, seed: number): Batch {
  const { vocabularySize, head } = planModel(spec);
  const random = createRandom({ seed, purpose: 'shuffle' });
  const ids = new Int32Array(rows * time); // [rows, time]
  const targets = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const padding = (['none', 'pre', 'post', 'interior', 'all'] as const)[random.below(5)];
    const cut = random.below(time + 1);
    for (let step = 0; step < time; step++) {
      const padded =
        padding === 'all' ||
        (padding === 'pre' && step < cut) ||
        (padding === 'post' && step >= cut) ||
        (padding === 'interior' && random.below(3) === 0);
      ids[row * time + step] = padded ? 0 : 1 + random.below(vocabularySize - 1);
    }
    targets[row] = random.below(head.classes);
  }
  return { rows, time, ids, targets };
}

/** Initial states between −0.9 and 0.9, some of them left out. */
export function randomStates(spec: ModelSpec, rows: number, seed: number): Map<string, Float32Array> {
  const random = createRandom({ seed, purpose: 'initialise', stream: 1000 });
  const states = planModel(spec).states.map(({ name, units }): [string, Float32Array] => [
    name,
    Float32Array.from({ length: rows * units }, () => between(random, -0.9, 0.9)),
  ]);
  return new Map(states.filter(() => random.below(4) > 0));
}

const arbitraryRate = fc.constantFrom(0.25, 0.5);

function dropoutLayer(rate: number): LayerInput {
  return { type: 'dropout', rate };
}

function arbitraryFirst({ maskZero = 'sometimes' }: SpecLimits): fc.Arbitrary<LayerInput> {
  const embedding = fc.record({
    type: fc.constant('embedding' as const),
    inputDim: fc.integer({ min: 2, max: 9 }),
    outputDim: fc.integer({ min: 1, max: 5 }),
    maskZero: maskZero === 'sometimes' ? fc.boolean() : fc.constant(maskZero === 'always'),
  });
  const oneHot = fc.record({ type: fc.constant('oneHot' as const), depth: fc.integer({ min: 2, max: 6 }) });
  return maskZero === 'always'
    ? embedding
    : fc.oneof({ weight: 3, arbitrary: embedding }, { weight: 1, arbitrary: oneHot });
}

/** A recurrent layer, alone or under bidirectional; `sequences` decides what it returns. */
function arbitraryRecurrent(limits: SpecLimits): fc.Arbitrary<LayerInput> {
  const inner = arbitraryInner(limits);
  const bidirectional = fc.record({
    type: fc.constant('bidirectional' as const),
    layer: inner,
    mergeMode: fc.constantFrom('concat' as const, 'sum' as const, 'mul' as const, 'ave' as const),
  });
  return fc.oneof({ weight: 2, arbitrary: inner }, { weight: 1, arbitrary: bidirectional });
}

function arbitraryInner(limits: SpecLimits): fc.Arbitrary<RecurrentInput> {
  const activation = fc.constantFrom(...(limits.activations ?? activations));
  const rate = limits.dropout === 'never' ? fc.constant(0) : fc.oneof(fc.constant(0), arbitraryRate);
  const common = {
    units: fc.integer({ min: 1, max: limits.maxUnits ?? 5 }),
    activation,
    goBackwards: fc.boolean(),
    dropout: rate,
    recurrentDropout: rate,
  };
  const bias = fc.constantFrom('none' as const, 'single' as const, 'double' as const);
  const byKind = {
    simpleRnn: fc.record({ type: fc.constant('simpleRnn' as const), ...common, bias }),
    lstm: fc.record({ type: fc.constant('lstm' as const), ...common, recurrentActivation: activation, bias }),
    gru: fc
      .record({
        type: fc.constant('gru' as const),
        ...common,
        recurrentActivation: activation,
        resetAfter: fc.boolean(),
        bias,
      })
      .map((layer) => (layer.resetAfter && layer.bias === 'single' ? { ...layer, bias: 'double' as const } : layer)),
  } satisfies Record<RecurrentKind, fc.Arbitrary<RecurrentInput>>;
  const kinds = limits.kinds ?? (['simpleRnn', 'lstm', 'gru'] as const);
  return fc.oneof(...kinds.map((kind): fc.Arbitrary<RecurrentInput> => byKind[kind]));
}

/** Sets what the layer returns, and drops `goBackwards` where the spec refuses it. */
function sequences(layer: LayerInput, returnSequences: boolean, masked: boolean): LayerInput {
  if (layer.type === 'bidirectional') {
    return { ...layer, layer: { ...layer.layer, returnSequences, goBackwards: false } };
  }
  const refused = returnSequences && masked;
  return { ...(layer as RecurrentInput), returnSequences, ...(refused ? { goBackwards: false } : {}) };
}

const arbitraryHidden: fc.Arbitrary<LayerInput> = fc.record({
  type: fc.constant('dense' as const),
  units: fc.integer({ min: 1, max: 4 }),
  activation: fc.constantFrom(
    'linear' as const,
    'sigmoid' as const,
    'softmax' as const,
    'relu' as const,
    'tanh' as const,
  ),
  useBias: fc.boolean(),
});

const arbitraryHead: fc.Arbitrary<LayerInput> = fc.oneof(
  fc.record({
    type: fc.constant('dense' as const),
    units: fc.constant(1),
    activation: fc.constantFrom('sigmoid' as const, 'linear' as const),
    useBias: fc.boolean(),
  }),
  fc.record({
    type: fc.constant('dense' as const),
    units: fc.integer({ min: 2, max: 4 }),
    activation: fc.constantFrom('softmax' as const, 'linear' as const),
    useBias: fc.boolean(),
  }),
);

function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.uniform();
}
