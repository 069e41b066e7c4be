/**
 * The words of many texts, each looked up once. What `createTokenizer` and `fitVocabulary` give for a tokenizer that
 * changes and parts at ASCII characters alone, in a quarter of their time: words stay bytes in one hash table and become
 * strings only when they enter the vocabulary.
 */
import type { TokenizerOptions } from '../../../models/text/preprocessing.ts';
import { invariant } from '../../core/errors.ts';

export interface WordTable {
  /** By falling count in the texts that it was fitted to; equal counts by the word itself (UTF-16 code units). */
  readonly vocabulary: readonly string[];
  /** Words of all texts, one text after the other, as places in the vocabulary; −1 where it lacks the word. */
  readonly places: Int32Array;
  /** The words of text i are places[starts[i]] … places[starts[i + 1] − 1]; [texts + 1]. */
  readonly starts: Int32Array;
}

/** @param fitted how many of the texts, from the first on, make the vocabulary */
export function createWordTable(texts: readonly string[], fitted: number, tokenizer: TokenizerOptions): WordTable {
  const letters = byteMap(tokenizer);
  const words = createWordNumbers();
  const counts: number[] = [];
  const starts = new Int32Array(texts.length + 1);
  let places = new Int32Array(2 ** 16);
  let total = 0;
  let buffer = Buffer.alloc(2 ** 16);

  for (const [text, content] of texts.entries()) {
    if (content.length * 3 >= buffer.length) buffer = Buffer.alloc(content.length * 3 + 1);
    const end = buffer.write(content);
    if (total + end >= places.length) places = grown(places, 2 * (total + end));
    buffer[end] = separator;
    let from = 0;
    let hash = firstHash;
    for (let at = 0; at <= end; at++) {
      const byte = letters[buffer[at] as number] as number;
      if (byte !== separator) {
        buffer[at] = byte;
        hash = Math.imul(hash ^ byte, hashPrime);
        continue;
      }
      if (at > from) {
        const number = words.numberOf(buffer, from, at, hash);
        if (text < fitted) counts[number] = (counts[number] ?? 0) + 1;
        places[total++] = number;
      }
      from = at + 1;
      hash = firstHash;
    }
    starts[text + 1] = total;
  }

  const byCount = [...counts.keys()].map((number) => ({
    number,
    word: words.wordOf(number),
    count: counts[number] ?? 0,
  }));
  byCount.sort((a, b) => b.count - a.count || (a.word < b.word ? -1 : 1));
  const placeOf = new Int32Array(words.size()).fill(-1);
  for (const [place, { number }] of byCount.entries()) placeOf[number] = place;
  const used = places.slice(0, total);
  for (let i = 0; i < total; i++) used[i] = placeOf[used[i] as number] as number;
  return { vocabulary: byCount.map(({ word }) => word), places: used, starts };
}

/** U+0000 stands between words: no letter of a word becomes it. */
const separator = 0;

/** What each byte of UTF-8 becomes. Bytes from 0x80 on belong to characters that such a tokenizer leaves as they are. */
function byteMap({ lowercase, filters }: TokenizerOptions): Uint8Array {
  invariant(lowercase !== 'unicode', 'a word table takes no tokenizer that lowercases all of Unicode');
  invariant(/^\p{ASCII}*$/u.test(filters), `a word table takes no tokenizer that filters ${filters}`);
  const parting = new Set([...` ${filters}`].map((character) => character.charCodeAt(0)));
  return Uint8Array.from({ length: 256 }, (_, byte) => {
    const lower = lowercase === 'ascii' && byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
    return parting.has(lower) ? separator : lower;
  });
}

// FNV-1a
const firstHash = 0x811c9dc5;
const hashPrime = 0x01000193;

/** Numbers words in the order in which they are first met. */
interface WordNumbers {
  /** Of the bytes from `from` to before `to`, whose hash is known. */
  numberOf(bytes: Buffer, from: number, to: number, hash: number): number;
  wordOf(number: number): string;
  size(): number;
}

function createWordNumbers(): WordNumbers {
  let slots = new Int32Array(2 ** 18).fill(-1);
  let hashes = new Int32Array(slots.length / 2);
  /** Word n stands in the pool from ends[n] to before ends[n + 1]. */
  let ends = new Int32Array(slots.length / 2 + 1);
  let pool = Buffer.alloc(2 ** 20);
  let size = 0;

  function slotOf(hash: number): number {
    return (hash ^ (hash >>> 15)) & (slots.length - 1);
  }

  function isAt(number: number, bytes: Buffer, from: number, to: number): boolean {
    const start = ends[number] as number;
    if ((ends[number + 1] as number) - start !== to - from) return false;
    for (let i = from; i < to; i++) if (pool[start + i - from] !== bytes[i]) return false;
    return true;
  }

  /** Slots stay half empty. */
  function enlarge(): void {
    slots = new Int32Array(slots.length * 2).fill(-1);
    hashes = grown(hashes, slots.length / 2);
    ends = grown(ends, slots.length / 2 + 1);
    for (let number = 0; number < size; number++) {
      let slot = slotOf(hashes[number] as number);
      while (slots[slot] !== -1) slot = (slot + 1) & (slots.length - 1);
      slots[slot] = number;
    }
  }

  function add(bytes: Buffer, from: number, to: number, hash: number, slot: number): number {
    const number = size++;
    const start = ends[number] as number;
    const end = start + to - from;
    if (end > pool.length) pool = Buffer.concat([pool], Math.max(end, pool.length * 2));
    bytes.copy(pool, start, from, to);
    ends[number + 1] = end;
    hashes[number] = hash;
    slots[slot] = number;
    if (size === hashes.length) enlarge();
    return number;
  }

  return {
    numberOf(bytes, from, to, hash) {
      let slot = slotOf(hash);
      for (let number = slots[slot] as number; number !== -1; number = slots[slot] as number) {
        if (hashes[number] === hash && isAt(number, bytes, from, to)) return number;
        slot = (slot + 1) & (slots.length - 1);
      }
      return add(bytes, from, to, hash, slot);
    },
    wordOf: (number) => pool.toString('utf8', ends[number], ends[number + 1]),
    size: () => size,
  };
}

/** A copy with room for `length` numbers. */
function grown(numbers: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length);
  larger.set(numbers);
  return larger;
}
