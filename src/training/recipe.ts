/** What training takes from the recipe of a benchmark, if its data set has one. */
import type { TokenizerOptions } from '../../models/text/preprocessing.ts';
import { fitVocabulary } from '../../models/text/vocabulary.ts';
import { fail } from '../core/errors.ts';
import type { Dataset } from '../data/dataset.ts';
import { recipeSplit } from '../data/split.ts';
import type { RunOptionsInput } from './options.ts';

/** The options that the recipe has laid down. Another split is refused by `splitDataset`, another tokenizer by `vocabularyOf`. */
export function recipeOptions({ recipe }: Dataset): RunOptionsInput {
  if (!recipe) return {};
  const { seed: splitSeed, testSplit, validationSplit } = recipeSplit(recipe);
  return { splitSeed, testSplit, validationSplit, tokenizer: recipe.lexicon.tokenizer };
}

/**
 * At most `limit` words: of the recipe, else of `texts`, which are those that are trained on.
 * @throws OPTION_UNSUPPORTED for another tokenizer than that of the recipe
 */
export function vocabularyOf(
  { recipe }: Dataset,
  texts: readonly string[],
  tokenizer: TokenizerOptions,
  limit: number,
): readonly string[] {
  if (!recipe) return fitVocabulary(texts, tokenizer, { limit });
  const own: TokenizerOptions = recipe.lexicon.tokenizer;
  for (const option of Object.keys(own) as (keyof TokenizerOptions)[]) {
    if (tokenizer[option] === own[option]) continue;
    fail(
      'OPTION_UNSUPPORTED',
      `tokenizer.${option} ${JSON.stringify(tokenizer[option])} does not apply: words and ids are those of ${recipe.name}`,
      'Leave the tokenizer out. To split the texts otherwise, read them as a folder with a subfolder for each class.',
    );
  }
  return recipe.lexicon.vocabulary.slice(0, limit);
}
