/** What the chapter shows of its data before any model: sizes, labels, lengths, first sequences, memory. */
import { createEncoder } from '../../models/text/encoder.ts';
import { fail } from '../core/errors.ts';
import type { Dataset, Recipe } from '../data/dataset.ts';
import { type LengthStatistics, lengthStatistics } from '../data/length-statistics.ts';
import { partOf } from '../data/part.ts';
import { encodeExamples } from '../training/encoded-set.ts';

export interface PartFacts {
  readonly name: 'training' | 'validation' | 'test';
  readonly texts: number;
  /** Texts of each label. */
  readonly counts: readonly number[];
}

export interface DataFacts {
  /** Whose parts, words and ids these are. */
  readonly recipe: string;
  readonly labels: readonly string[];
  readonly parts: readonly PartFacts[];
  /** Words of the texts that the recipe numbers. */
  readonly words: number;
  readonly mostFrequent: readonly string[];
  /** Of the data set in the order of the recipe. */
  readonly firstLabels: readonly number[];
  readonly firstLengths: readonly number[];
  /** The beginning of the first text. */
  readonly firstText: string;
  /** Its first ids with `printedIds` of the vocabulary. */
  readonly firstIds: readonly number[];
  /** Of the training part. */
  readonly lengths: LengthStatistics;
  /** How many of its texts have which length, by rising length. */
  readonly lengthCounts: readonly (readonly [length: number, texts: number])[];
  /** Rows of the training part as models read them. */
  readonly sequences: readonly { readonly row: number; readonly ids: readonly number[] }[];
  readonly memory: MemoryFacts;
}

/** Bytes of the padded training part. */
export interface MemoryFacts {
  readonly rows: number;
  readonly time: number;
  readonly depth: number;
  /** As int32 ids. */
  readonly ids: number;
  /** One-hot as the chapter makes it: float64. */
  readonly oneHot: number;
}

/** The vocabulary of the one-hot model, and that of the sequences which the chapter prints. */
const onehotIds = 200;
export const printedIds = 300;
export const steps = 100;

/** Rows that the chapter prints: one that is cut and one that is padded. */
const printedRows = [0, 5];

/** @throws OPTION_UNSUPPORTED for data without a recipe */
export function dataFacts(data: Dataset): DataFacts {
  const recipe = recipeOf(data);
  const { examples, labels } = data;
  const { parts, lexicon } = recipe;
  const training = encode(data, recipe, parts.train, printedIds);
  const lengths = training.lengths;
  const [first] = examples;
  return {
    recipe: recipe.name,
    labels,
    parts: [
      partFacts('training', data, parts.train),
      partFacts('validation', data, parts.validation),
      partFacts('test', data, parts.test),
    ],
    words: lexicon.vocabulary.length,
    mostFrequent: lexicon.vocabulary.slice(0, 20),
    firstLabels: examples.slice(0, 20).map(({ label }) => label),
    firstLengths: [...encode(data, recipe, Int32Array.of(0, 1), printedIds).lengths],
    firstText: [...(first?.text ?? '')].slice(0, 280).join(''),
    firstIds: [...encode(data, recipe, Int32Array.of(0), printedIds, 'post').ids.slice(0, 40)],
    lengths: lengthStatistics(lengths, steps),
    lengthCounts: countLengths(lengths),
    sequences: printedRows
      .filter((row) => row < training.rows)
      .map((row) => ({ row, ids: [...training.ids.subarray(row * steps, (row + 1) * steps)] })),
    memory: memoryFacts(training.rows),
  };
}

export function recipeOf({ recipe, source }: Dataset): Recipe {
  return (
    recipe ??
    fail(
      'OPTION_UNSUPPORTED',
      `the chapter has the parts and words of its reviews, and ${source} lays down none`,
      'Use the source imdb.',
    )
  );
}

function encode(
  data: Dataset,
  { lexicon }: Recipe,
  places: Int32Array,
  vocabularySize: number,
  truncating: 'pre' | 'post' = 'pre',
) {
  const { tokenizer, vocabulary } = lexicon;
  const encoder = createEncoder({
    preprocessing: { tokenizer, maxLength: steps, padding: 'pre', truncating },
    vocabulary: vocabulary.slice(0, vocabularySize - tokenizer.firstWordId),
    vocabularySize,
  });
  const { examples, recipe } = partOf(data, places);
  return encodeExamples(encoder, examples, recipe);
}

function partFacts(name: PartFacts['name'], data: Dataset, places: Int32Array): PartFacts {
  const counts = data.labels.map(() => 0);
  for (const { label } of partOf(data, places).examples) counts[label] = (counts[label] ?? 0) + 1;
  return { name, texts: places.length, counts };
}

function countLengths(lengths: Int32Array): [number, number][] {
  const counts = new Map<number, number>();
  for (const length of lengths.toSorted()) counts.set(length, (counts.get(length) ?? 0) + 1);
  return [...counts];
}

function memoryFacts(rows: number): MemoryFacts {
  const ids = rows * steps;
  return { rows, time: steps, depth: onehotIds, ids: 4 * ids, oneHot: 8 * ids * onehotIds };
}
