/**
 * A word table as a file of the cache: a line of JSON, then starts, places and the words with newlines between. A file that
 * is damaged, or of a machine that writes numbers the other way round, is as good as none.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { endianness } from 'node:os';
import { z } from 'zod';
import { writeFileAtomically } from '../core/files.ts';
import type { WordTable } from './word-table.ts';

const headSchema = z.strictObject({
  format: z.literal(1),
  endianness: z.literal(endianness()),
  sha256: z.string(),
  texts: z.int().min(0),
  words: z.int().min(0),
});

/** @throws FILE_ACCESS */
export async function writeWordTable(path: string, { vocabulary, places, starts }: WordTable): Promise<void> {
  const parts = [bytesOf(starts), bytesOf(places), Buffer.from(vocabulary.join('\n'))];
  const sha256 = hashOf(parts);
  const head = { format: 1, endianness: endianness(), sha256, texts: starts.length - 1, words: places.length };
  await writeFileAtomically(path, Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...parts]));
}

/** Undefined when there is none, or none that can be used. */
export async function readWordTable(path: string): Promise<WordTable | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const line = bytes.indexOf('\n');
  const head = headSchema.safeParse(parseJson(bytes.toString('utf8', 0, line)));
  if (!head.success) return undefined;
  const { sha256, texts, words } = head.data;
  const contents = bytes.subarray(line + 1);
  if (hashOf([contents]) !== sha256) return undefined;
  const startsEnd = 4 * (texts + 1);
  const placesEnd = startsEnd + 4 * words;
  return {
    starts: numbersOf(contents.subarray(0, startsEnd)),
    places: numbersOf(contents.subarray(startsEnd, placesEnd)),
    vocabulary: contents.toString('utf8', placesEnd).split('\n'),
  };
}

function bytesOf({ buffer, byteOffset, byteLength }: Int32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** A copy, which begins where numbers may. */
function numbersOf(bytes: Buffer): Int32Array {
  return new Int32Array(Uint8Array.from(bytes).buffer);
}

function hashOf(parts: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
