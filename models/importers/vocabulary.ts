/**
 * Vocabularies as teams have them: a word a line, a JSON list, a JSON object of ids by word (Keras' `word_index`, a
 * torchtext vocabulary), or what Keras' `Tokenizer.to_json()` writes. All become words in the order of their ids, with
 * the ids of the words that stand for something else.
 */
import { fail } from '../../src/core/errors.ts';
import { readFileWhole } from '../../src/core/files.ts';
import type { TokenizerOptions } from '../text/preprocessing.ts';
import { isJson, type Json } from './json.ts';

/** Words in the order of their ids, or ids by word. */
export type VocabularySource = readonly string[] | Readonly<Record<string, number>>;

/** Words and what their source says of the tokenizer. */
export interface ReadVocabulary {
  /** Word i has id `firstWordId + i`. */
  readonly words: readonly string[];
  /** What follows from the ids, or stands in the file. */
  readonly tokenizer: Partial<TokenizerOptions>;
  /** Words from this id on are out of vocabulary. */
  readonly limit?: number | undefined;
  /** An id below those of the words that looks as if it began a text; whether texts do begin so, it cannot say. */
  readonly start?: { readonly word: string; readonly id: number } | undefined;
}

const padWords = ['', '<pad>', '[pad]'];
const unknownWords = ['<oov>', '[oov]', '<unk>', '[unk]', 'unk'];
const startWords = ['<start>', '[start]', '<s>', '<bos>', '<sos>', '[cls]'];

const isOne = (names: readonly string[], word: string) => names.includes(word.toLowerCase());

const sizeLimit = 256_000_000;

/** @throws FILE_NOT_FOUND, FILE_ACCESS, DATA_INVALID */
export async function readVocabularyFile(path: string): Promise<ReadVocabulary> {
  const bytes = await readFileWhole(path);
  if (bytes.length > sizeLimit) return refuse(path, `has ${bytes.length} bytes, a vocabulary at most ${sizeLimit}`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    return refuse(path, 'is not UTF-8', error);
  }
  if (!path.toLowerCase().endsWith('.json')) return readVocabulary(linesOf(text), path);
  let json: unknown;
  try {
    json = JSON.parse(text);
    if (typeof json === 'string') json = JSON.parse(json); // json.dump(tokenizer.to_json(), file)
  } catch (error) {
    return refuse(path, `is no JSON: ${error instanceof Error ? error.message : error}`, error);
  }
  if (isJson(json) && json.class_name === 'Tokenizer' && isJson(json.config))
    return readKerasTokenizer(json.config, path);
  return readVocabulary(json, path);
}

/** Without the empty line that ends the last one. */
export function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** @param where named in errors @throws DATA_INVALID */
export function readVocabulary(source: unknown, where: string): ReadVocabulary {
  if (Array.isArray(source)) {
    const strange = source.findIndex((word) => typeof word !== 'string');
    if (strange >= 0) return refuse(where, `has ${JSON.stringify(source[strange])} at place ${strange}, not a word`);
    return readList(source, where);
  }
  if (isJson(source)) return readIds(Object.entries(source), where);
  return refuse(where, 'is neither a list of words nor ids by word');
}

/** A list that begins with the padding has its ids by place; one that begins with a word has them from the first word on. */
function readList(words: readonly string[], where: string): ReadVocabulary {
  const [first] = words;
  if (first === undefined) return refuse(where, 'holds no word');
  if (isOne(padWords, first))
    return readIds(
      words.map((word, id) => [word, id]),
      where,
    );
  if (isOne(unknownWords, first))
    return readIds(
      words.map((word, index) => [word, index + 1]),
      where,
    );
  checkWords(words, where);
  return { words, tokenizer: {} };
}

/** @throws DATA_INVALID for ids that a model of this package cannot have */
function readIds(
  entries: readonly (readonly [word: string, id: unknown])[],
  where: string,
  oovToken?: string,
): ReadVocabulary {
  const byId = new Map<number, string>();
  for (const [word, id] of entries) {
    if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0) {
      return refuse(where, `gives "${word}" the id ${JSON.stringify(id)}, which is no whole number from 0`);
    }
    const other = byId.get(id);
    if (other !== undefined) return refuse(where, `gives "${other}" and "${word}" the same id ${id}`);
    byId.set(id, word);
  }
  const padding = byId.get(0);
  if (padding !== undefined && !isOne(padWords, padding)) {
    return refuse(where, `gives "${padding}" the id 0, which pads`);
  }
  byId.delete(0);
  const isUnknown = (word: string) => (oovToken === undefined ? isOne(unknownWords, word) : word === oovToken);
  const ids = [...byId.keys()].sort((a, b) => a - b);
  let unknown: number | undefined;
  let start: ReadVocabulary['start'];
  let first = ids[0] ?? 0;
  for (let word = byId.get(first); word !== undefined; word = byId.get(++first)) {
    if (unknown === undefined && isUnknown(word)) unknown = first;
    else if (start === undefined && oovToken === undefined && isOne(startWords, word)) start = { word, id: first };
    else break;
  }
  if (!byId.has(first)) return refuse(where, 'holds no word');
  const words: string[] = [];
  for (const id of ids) {
    if (id < first) continue;
    if (id !== first + words.length)
      return refuse(where, `has no word of id ${first + words.length}, but one of ${id}`);
    words.push(byId.get(id) as string);
  }
  const late = words.find(isUnknown);
  if (late !== undefined && unknown === undefined) {
    return refuse(where, `has "${late}" among the words: unknown words must have an id below theirs`);
  }
  checkWords(words, where);
  const oovId = unknown ?? (first === 1 ? null : undefined); // below the first word there may be an id for it
  return { words, tokenizer: { firstWordId: first, ...(oovId !== undefined && { oovId }) }, start };
}

function checkWords(words: readonly string[], where: string): void {
  const known = new Set<string>();
  for (const word of words) {
    if (word === '') refuse(where, `has an empty word among the others, after "${[...known].at(-1) ?? ''}"`);
    if (known.has(word)) refuse(where, `has "${word}" twice`);
    known.add(word);
  }
}

/** The `config` of a saved `keras.preprocessing.text.Tokenizer`. */
function readKerasTokenizer(config: Json, path: string): ReadVocabulary {
  const {
    filters,
    lower,
    split,
    char_level: byCharacter,
    oov_token: oovToken,
    num_words: limit,
    word_index: index,
  } = config;
  if (byCharacter) return refuse(path, 'splits texts into characters, and a model of this package into words');
  if (split !== ' ' && split !== undefined)
    return refuse(path, `splits texts at ${JSON.stringify(split)}, not at spaces`);
  if (typeof filters !== 'string') return refuse(path, 'has filters that are no string');
  let ids: unknown;
  try {
    ids = typeof index === 'string' ? JSON.parse(index) : index;
  } catch (error) {
    return refuse(path, 'has a word_index that is no JSON', error);
  }
  if (!isJson(ids)) return refuse(path, 'has no word_index');
  if (
    limit !== null &&
    limit !== undefined &&
    (typeof limit !== 'number' || !Number.isSafeInteger(limit) || limit < 2)
  ) {
    return refuse(path, `has num_words ${JSON.stringify(limit)}`);
  }
  const known = typeof oovToken === 'string' ? oovToken : undefined;
  const { words, tokenizer } = readIds(Object.entries(ids), path, known ?? '\0');
  return {
    words,
    tokenizer: { oovId: null, ...tokenizer, startId: null, filters, lowercase: lower === false ? 'none' : 'unicode' },
    limit: limit ?? undefined,
  };
}

function refuse(where: string, what: string, cause?: unknown): never {
  const hint = 'Give a word a line, a JSON list of words, or a JSON object of ids by word: see docs/import.md.';
  fail('DATA_INVALID', `${where} ${what}`, hint, cause);
}
