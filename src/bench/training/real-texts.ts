/** Ids from real texts: the reviews of the IMDB chapter where they are found, and the mails of the default model. */
import { createEncoder } from '../../../models/text/encoder.ts';
import { kerasTokenizer, type Preprocessing, type TokenizerOptions } from '../../../models/text/preprocessing.ts';
import { RecurrentError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { createRandom, permutation } from '../../core/random.ts';
import type { Dataset, Example } from '../../data/dataset.ts';
import { loadDataset } from '../../data/load.ts';
import { type EncodedSet, encodeExamples } from '../../training/encoded-set.ts';
import { vocabularyOf } from '../../training/recipe.ts';

export type RealIds = 'imdb' | 'spam';

export interface TextSizes extends Pick<Preprocessing, 'maxLength' | 'padding' | 'truncating'> {
  readonly vocabularySize: number;
}

export interface RealTexts {
  /** `imdb`, or `spam` where no reviews are found. */
  readonly reviews: RealIds;
  /** Why there are no reviews. */
  readonly missing: string | undefined;
  /** The first `count` texts in a random order, and the first of them again where there are fewer. */
  encode(source: RealIds, sizes: TextSizes, count: number): Promise<EncodedSet>;
}

interface Source {
  readonly data: Dataset;
  readonly examples: readonly Example[];
  /** All words by falling count. */
  readonly vocabulary: readonly string[];
}

/** The reviews are looked for now, the mails read when they are needed. */
export async function findRealTexts(progress: Progress): Promise<RealTexts> {
  const found = await findReviews(progress);
  const there = !(found instanceof RecurrentError);
  const sources = new Map<RealIds, Promise<Source>>();
  if (there) sources.set('imdb', Promise.resolve(sourceOf(found)));
  const open = (name: RealIds) => {
    const source = sources.get(name) ?? loadDataset(name, { progress }).then(sourceOf);
    sources.set(name, source);
    return source;
  };
  return {
    reviews: there ? 'imdb' : 'spam',
    missing: there ? undefined : `${found.message}. ${found.hint}`,
    async encode(name, { vocabularySize, ...sides }, count) {
      const { data, examples, vocabulary } = await open(name);
      const tokenizer = tokenizerOf(data);
      const encoder = createEncoder({
        preprocessing: { tokenizer, ...sides },
        vocabulary: vocabulary.slice(0, vocabularySize - tokenizer.firstWordId),
        vocabularySize,
      });
      const chosen = Array.from({ length: count }, (_, row) => examples[row % examples.length] as Example);
      return encodeExamples(encoder, chosen, data.recipe);
    },
  };
}

async function findReviews(progress: Progress): Promise<Dataset | RecurrentError> {
  try {
    return await loadDataset('imdb', { progress });
  } catch (error) {
    if (error instanceof RecurrentError && error.code !== 'INTERRUPTED') return error;
    throw error;
  }
}

function sourceOf(data: Dataset): Source {
  const { examples, recipe } = data;
  const order = recipe
    ? [...recipe.parts.train, ...recipe.parts.validation]
    : permutation(examples.length, createRandom({ seed: 0, purpose: 'shuffle' }));
  const texts = examples.map(({ text }) => text);
  return {
    data,
    examples: Array.from(order, (index) => examples[index] as Example),
    vocabulary: vocabularyOf(data, texts, tokenizerOf(data), Number.MAX_SAFE_INTEGER),
  };
}

function tokenizerOf({ recipe }: Dataset): TokenizerOptions {
  return recipe?.lexicon.tokenizer ?? kerasTokenizer;
}
