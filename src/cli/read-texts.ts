/** Texts from a file or standard input, one a line. */
import { open } from 'node:fs/promises';
import { fail } from '../core/errors.ts';
import { fileError } from '../core/files.ts';

const sizeLimit = 256 * 1024 ** 2; // bytes

/**
 * @param path `-` for standard input
 * @throws FILE_NOT_FOUND, FILE_ACCESS; DATA_INVALID when it is empty, too large, binary or no UTF-8
 */
export async function readTexts(path: string): Promise<string[]> {
  const name = path === '-' ? 'standard input' : path;
  const bytes = await readUpToLimit(path, name);
  if (bytes.includes(0)) refuse(name, 'is binary: it holds NUL bytes');
  const lines = decode(bytes, name).split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop(); // after the last line feed
  if (lines.length === 0) refuse(name, 'is empty');
  return lines;
}

async function readUpToLimit(path: string, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    const stream = path === '-' ? process.stdin : (await open(path)).createReadStream();
    for await (const chunk of stream) {
      size += chunk.length;
      if (size > sizeLimit) refuse(name, `has more than ${sizeLimit / 1024 ** 2} MiB`);
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    throw fileError(error, name, 'read');
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    return refuse(name, 'is no UTF-8 text', error);
  }
}

function refuse(name: string, what: string, cause?: unknown): never {
  fail('DATA_INVALID', `${name} ${what}`, 'Give UTF-8 text, one text a line; divide it if it is too large.', cause);
}
