/**
 * The problems of the benchmark: the shapes A, B and C for each kind of recurrent layer, the default model, and the
 * eight models of the IMDB chapter. They are listed without being built, so that a run knows how much is before it.
 */
import { initialWeights } from '../../../models/initialisers.ts';
import type { ModelSpec, RecurrentLayer } from '../../../models/layers.ts';
import { planModel } from '../../../models/plan.ts';
import { parseSpec } from '../../../models/spec.ts';
import type { Preprocessing } from '../../../models/text/preprocessing.ts';
import type { Weights } from '../../../models/weights.ts';
import { chapterModels } from '../../../models/zoo/chapter-models.ts';
import { zooModel } from '../../../models/zoo/zoo.ts';
import { createRandom } from '../../core/random.ts';
import type { Batch } from '../../training/engine.ts';
import type { IdsKind, Problem } from './problem.ts';
import type { RealTexts } from './real-texts.ts';

export type RecurrentKind = RecurrentLayer['type'];
export const recurrentKinds: readonly RecurrentKind[] = ['lstm', 'gru', 'simpleRnn'];

/** Of a batch, in all of the chapter's models. */
const usualRows = 64;

export interface Size {
  readonly time: number;
  readonly inputs: number;
  readonly units: number;
  readonly vocabulary: number;
}

/** A is that of the chapter's models; B and C are what larger models have. */
export const sizes = {
  A: { time: 100, inputs: 16, units: 8, vocabulary: 500 },
  B: { time: 100, inputs: 128, units: 128, vocabulary: 10_000 },
  C: { time: 128, inputs: 256, units: 256, vocabulary: 20_000 },
} as const satisfies Record<string, Size>;
type SizeName = keyof typeof sizes;
export const sizeNames: readonly string[] = Object.keys(sizes);

const spamModel = 'spam-lstm';

/** What `--shapes` takes. */
export const shapeNames = ['A', 'B', 'C', 'spam', 'chapter'] as const;
export type ShapeName = (typeof shapeNames)[number];

/** `real`: reviews where they are found, else mails; the default model has mails. */
export const idsChoices = ['real', 'uniform'] as const;
export type IdsChoice = (typeof idsChoices)[number];

export interface Selection {
  readonly shapes: readonly ShapeName[];
  /** Of A, B and C; of the others, those that have one of these layers. */
  readonly layers: readonly RecurrentKind[];
  readonly ids: readonly IdsChoice[];
}

export interface Outline {
  readonly shape: string;
  readonly layer: RecurrentKind;
  readonly ids: IdsKind;
  readonly spec: ModelSpec;
  /** Of a batch. */
  readonly rows: number;
  readonly preprocessing: Pick<Preprocessing, 'maxLength' | 'padding' | 'truncating'>;
}

export function outlineOfSize(
  shape: string,
  layer: RecurrentKind,
  size: Size & { readonly rows?: number },
  ids: IdsKind,
): Outline {
  const { rows = usualRows } = size;
  const spec = parseSpec({
    version: 1,
    name: `${layer}-${shape}`,
    layers: [
      { type: 'embedding', inputDim: size.vocabulary, outputDim: size.inputs },
      { type: layer, units: size.units },
      { type: 'dense', units: 1, activation: 'sigmoid' },
    ],
  });
  return { shape, layer, ids, spec, rows, preprocessing: { maxLength: size.time, padding: 'pre', truncating: 'pre' } };
}

/** @param reviews what the reviews' ids come from here */
export function listProblems({ shapes, layers, ids }: Selection, reviews: 'imdb' | 'spam'): Outline[] {
  const kinds = ids.map((choice): IdsKind => (choice === 'real' ? reviews : choice));
  return shapes
    .flatMap((shape) => {
      if (shape === 'spam') return ids.includes('real') ? [outlineOfModel(spamModel, 'spam')] : [];
      if (shape === 'chapter')
        return ids.includes('real') ? chapterModels.map((name) => outlineOfModel(name, reviews)) : [];
      return layers.flatMap((layer) =>
        kinds.map((kind) => outlineOfSize(shape, layer, sizes[shape satisfies SizeName], kind)),
      );
    })
    .filter(({ layer }) => layers.includes(layer));
}

function outlineOfModel(name: string, ids: IdsKind): Outline {
  const { build, defaults } = zooModel(name);
  const { vocabularySize, ...preprocessing } = defaults;
  const spec = parseSpec(build({ vocabularySize, classes: 2 }));
  const layer = spec.layers.map(({ type }) => type).find((type) => recurrentKinds.some((kind) => kind === type));
  return { shape: name, layer: layer as RecurrentKind, ids, spec, rows: usualRows, preprocessing };
}

/** Enough that a step does not meet again what the last one left in the caches. */
const batchCount = 8;

/** @param texts where ids are real */
export async function buildProblem(outline: Outline, texts: RealTexts | undefined): Promise<Problem> {
  const { shape, layer, ids, spec, rows, preprocessing } = outline;
  const count = rows * batchCount;
  const { vocabularySize } = planModel(spec);
  const time = preprocessing.maxLength;
  const set =
    ids !== 'uniform' && texts
      ? await texts.encode(ids, { ...preprocessing, vocabularySize }, count)
      : uniformIds(count, time, vocabularySize);
  const batches = Array.from({ length: batchCount }, (_, index): Batch => {
    const [from, to] = [index * rows, (index + 1) * rows];
    return { rows, time, ids: set.ids.slice(from * time, to * time), targets: set.targets.slice(from, to) };
  });
  return { shape, layer, ids, spec, weights: startingWeights(spec), batches };
}

/** The last ones: the problems of one model follow one another. */
let latest: { readonly spec: string; readonly weights: Weights } | undefined;

function startingWeights(spec: ModelSpec): Weights {
  const key = JSON.stringify(spec);
  if (latest?.spec !== key) latest = { spec: key, weights: initialWeights(planModel(spec), 0) };
  return latest.weights;
}

function uniformIds(count: number, time: number, vocabularySize: number): Pick<Batch, 'ids' | 'targets'> {
  const random = createRandom({ seed: 1, purpose: 'shuffle' });
  return {
    ids: Int32Array.from({ length: count * time }, () => random.below(vocabularySize)),
    targets: Int32Array.from({ length: count }, () => random.below(2)),
  };
}
