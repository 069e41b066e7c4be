/**
 * How texts become ids, from three sources: the caller, the files, and the habit of the framework. What the caller says
 * wins; each setting is shown with who chose it.
 */
import { fail } from '../../src/core/errors.ts';
import type { ModelDescription } from '../model.ts';
import { planModel } from '../plan.ts';
import { kerasTokenizer, type TokenizerOptions, tokenizerSchema } from '../text/preprocessing.ts';
import type { Architecture, ImportedSetting } from './imported.ts';
import type { ImportOptions } from './options.ts';
import { type ReadVocabulary, readVocabulary, readVocabularyFile } from './vocabulary.ts';

export interface SettledText extends Pick<ModelDescription, 'preprocessing' | 'vocabulary' | 'labels'> {
  readonly settings: readonly ImportedSetting[];
}

/** @throws OPTION_INVALID, DATA_INVALID, DATA_LABELS, IMPORT_AMBIGUOUS, FILE_NOT_FOUND, FILE_ACCESS */
export async function settleText({ spec, text }: Architecture, options: ImportOptions): Promise<SettledText> {
  const { vocabularySize, head } = planModel(spec);
  const settings: ImportedSetting[] = [];
  const settle: Settle = (name, { given, file, standard }) => {
    const from = given !== undefined ? 'given' : file !== undefined ? 'file' : 'default';
    const value = given !== undefined ? given : file !== undefined ? file : standard;
    settings.push({ name, value: value as ImportedSetting['value'], from });
    return value;
  };
  const read = options.vocabulary === undefined && text.vocabulary ? text.vocabulary : await open(options.vocabulary);
  if (text.filtersDiffer !== undefined && options.tokenizer?.filters === undefined) {
    fail(
      'IMPORT_AMBIGUOUS',
      text.filtersDiffer,
      'Give tokenizer.filters (--filters), the characters that become a space.',
    );
  }
  const tokenizer = settleTokenizer(options, { ...text.tokenizer, ...read.tokenizer }, read.start, settle);
  const preprocessing = {
    tokenizer,
    maxLength: settle('maxLength', { given: options.maxLength, file: text.maxLength, standard: 0 }) || noLength(),
    padding: settle('padding', { given: options.padding, standard: text.padding }),
    truncating: settle('truncating', { given: options.truncating, standard: text.truncating }),
  };
  const vocabulary = cut(read, tokenizer, options.vocabularySize, vocabularySize);
  settings.push({
    name: 'vocabulary',
    value: `${vocabulary.length} words, ids ${tokenizer.firstWordId} to ${tokenizer.firstWordId + vocabulary.length - 1} of ${vocabularySize}`,
    from: options.vocabulary === undefined ? 'file' : 'given',
  });
  const labels = options.labels ?? Array.from({ length: head.classes }, (_, index) => String(index));
  checkLabels(labels, head.classes);
  settings.push({ name: 'labels', value: labels.join(', '), from: options.labels ? 'given' : 'default' });
  return { preprocessing, vocabulary, labels, settings };
}

interface Sources<T> {
  readonly given?: T | undefined;
  readonly file?: T | undefined;
  readonly standard: T;
}

type Settle = <T>(name: string, sources: Sources<T>) => T;

async function open(source: ImportOptions['vocabulary']): Promise<ReadVocabulary> {
  if (typeof source === 'string') return readVocabularyFile(source);
  if (source !== undefined) return readVocabulary(source, 'vocabulary');
  return fail(
    'IMPORT_AMBIGUOUS',
    'the file has no vocabulary, so no text can become ids',
    'Give vocabulary (--vocabulary): a word a line, or JSON of ids by word.',
  );
}

function settleTokenizer(
  { tokenizer: given = {} }: ImportOptions,
  ofFile: Partial<TokenizerOptions>,
  start: ReadVocabulary['start'],
  settle: Settle,
): TokenizerOptions {
  if (start && given.startId === undefined) {
    fail(
      'IMPORT_AMBIGUOUS',
      `the vocabulary has "${start.word}" of id ${start.id}, and does not say whether each text begins with it`,
      `Give tokenizer.startId (--start-id): ${start.id} if it does, null (none) if not.`,
    );
  }
  const settleOne = <K extends keyof TokenizerOptions>(name: K) =>
    settle<TokenizerOptions[K]>(name, {
      given: given[name],
      file: ofFile[name],
      standard: kerasTokenizer[name],
    });
  const tokenizer: TokenizerOptions = {
    lowercase: settleOne('lowercase'),
    filters: settleOne('filters'),
    startId: settleOne('startId'),
    oovId: settleOne('oovId'),
    firstWordId: settleOne('firstWordId'),
  };
  const checked = tokenizerSchema.safeParse(tokenizer);
  if (checked.success) return tokenizer;
  const { startId, oovId, firstWordId } = tokenizer;
  return fail(
    'OPTION_INVALID',
    `startId ${startId} and oovId ${oovId} must differ and be below firstWordId ${firstWordId}`,
    'Give tokenizer.firstWordId, oovId and startId (--first-word-id, --oov-id, --start-id) as the model was trained with.',
  );
}

/** The words that have an id in the model. @throws OPTION_INVALID */
function cut(
  { words, limit }: ReadVocabulary,
  { firstWordId }: TokenizerOptions,
  asked: number | undefined,
  size: number,
): readonly string[] {
  for (const [what, bound] of [
    ['vocabularySize', asked],
    ["the tokenizer's num_words", limit],
  ] as const) {
    if (bound !== undefined && bound > size) {
      fail('OPTION_INVALID', `${what} is ${bound}, the model has ids below ${size}`, `Give at most ${size}.`);
    }
  }
  const end = Math.min(asked ?? size + words.length, limit ?? size + words.length, firstWordId + words.length);
  if (end > size || (firstWordId + words.length > size && asked === undefined && limit === undefined)) {
    fail(
      'OPTION_INVALID',
      `the last of ${words.length} words has the id ${firstWordId + words.length - 1}, the model has ids below ${size}`,
      `Give the vocabulary that it was trained with, or vocabularySize (--vocabulary-size) ${size} if words above are unknown to it.`,
    );
  }
  if (end <= firstWordId) {
    fail(
      'OPTION_INVALID',
      `ids below ${end} leave no word: these begin at ${firstWordId}`,
      'Give a larger vocabularySize.',
    );
  }
  return words.slice(0, end - firstWordId);
}

function checkLabels(labels: readonly string[], classes: number): void {
  if (labels.length !== classes) {
    const hint = `Name all ${classes}, in the order of their indices; a lone output is the probability of the second.`;
    fail('DATA_LABELS', `there are ${labels.length} labels for ${classes} classes`, hint);
  }
  const repeated = labels.find((label, index) => labels.indexOf(label) !== index);
  if (repeated !== undefined) fail('DATA_LABELS', `the label "${repeated}" is there twice`, 'Give each class its own.');
}

/** @throws IMPORT_AMBIGUOUS */
function noLength(): never {
  fail(
    'IMPORT_AMBIGUOUS',
    'the file does not say to which length texts are padded or cut',
    'Give maxLength (--max-length), as the model was trained with.',
  );
}
