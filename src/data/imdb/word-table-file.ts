/**
 * A word table as a file of the cache: a line with the SHA-256 of the rest, a line of JSON, then starts, places and the
 * vocabulary as JSON. A file that is damaged, or of a machine with the other byte order, counts as none.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { endianness } from 'node:os';
import { z } from 'zod';
import { writeFileAtomically } from '../../core/files.ts';
import type { WordTable } from './word-table.ts';

const headSchema = z.strictObject({
  format: z.literal(1),
  endianness: z.literal(endianness()),
  texts: z.int().min(0),
  words: z.int().min(0),
});

/** @throws FILE_ACCESS */
export async function writeWordTable(path: string, { vocabulary, places, starts }: WordTable): Promise<void> {
  const head = { format: 1, endianness: endianness(), texts: starts.length - 1, words: places.length };
  const parts = [
    Buffer.from(`${JSON.stringify(head)}\n`),
    bytesOf(starts),
    bytesOf(places),
    Buffer.from(JSON.stringify(vocabulary)),
  ];
  await writeFileAtomically(path, Buffer.concat([Buffer.from(`${hashOf(parts)}\n`), ...parts]));
}

/** Undefined when there is none, or none that can be used. */
export async function readWordTable(path: string): Promise<WordTable | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const [sha256, hashed] = cutLine(bytes);
  if (hashOf([hashed]) !== sha256) return undefined;
  const [line, contents] = cutLine(hashed);
  const head = headSchema.safeParse(JSON.parse(line));
  if (!head.success) return undefined;
  const startsEnd = 4 * (head.data.texts + 1);
  const placesEnd = startsEnd + 4 * head.data.words;
  return {
    starts: numbersOf(contents.subarray(0, startsEnd)),
    places: numbersOf(contents.subarray(startsEnd, placesEnd)),
    vocabulary: JSON.parse(contents.toString('utf8', placesEnd)),
  };
}

function cutLine(bytes: Buffer): [line: string, rest: Buffer] {
  const end = bytes.indexOf('\n');
  return [bytes.toString('utf8', 0, end), bytes.subarray(end + 1)];
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
