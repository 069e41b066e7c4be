/** Text files are UTF-8. Anything else is refused with its place, as a guess would change texts silently. */
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { fail } from '../../core/errors.ts';
import { fileError } from '../../core/files.ts';
import { checkInterruption, checkTotalBytes, type ReaderContext } from './reader.ts';

const byteOrderMark = Buffer.from('\ufeff');
const utf16Marks = ['fffe', 'feff'];
const newline = 0x0a;

/**
 * The bytes of a file in parts that are each whole UTF-8 characters, without a byte order mark.
 *
 * @throws DATA_INVALID when the file is empty, too large, binary or not UTF-8; FILE_ACCESS, INTERRUPTED
 */
export async function* readUtf8({ source, progress, signal }: ReaderContext): AsyncGenerator<Buffer> {
  try {
    const { size } = await stat(source);
    checkTotalBytes(size, source);
    progress.start(`reading ${source}`, size);
    let position = 0;
    for await (const part of utf8Parts(createReadStream(source, { highWaterMark: 2 ** 20 }), source)) {
      checkInterruption(signal);
      yield part;
      position += part.length;
      progress.update(position);
    }
  } catch (error) {
    throw fileError(error, source, 'read');
  }
  progress.stop();
}

/**
 * The same of any bytes, however many.
 *
 * @param source what messages call them
 * @throws DATA_INVALID when there are none, or they are binary or not UTF-8
 */
export async function* utf8Parts(chunks: AsyncIterable<Buffer>, source: string): AsyncGenerator<Buffer> {
  let position = 0;
  let line = 1;
  let carried: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const bytes = carried.length === 0 ? chunk : Buffer.concat([carried, chunk]);
    const whole = bytes.subarray(0, wholeCharacters(bytes));
    checkText(whole, source, position, line);
    yield position === 0 ? withoutByteOrderMark(whole) : whole;
    position += whole.length;
    line += countLines(whole);
    carried = bytes.subarray(whole.length);
  }
  checkText(carried, source, position, line);
  if (position === 0) fail('DATA_INVALID', `${source} is empty`, 'Name a file that holds texts.');
}

/** The text of a whole file. @throws DATA_INVALID */
export function decodeUtf8(bytes: Buffer, source: string): string {
  checkText(bytes, source, 0, 1);
  return withoutByteOrderMark(bytes).toString('utf8');
}

function withoutByteOrderMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, 3).equals(byteOrderMark) ? bytes.subarray(3) : bytes;
}

/** @param position and `line` of the first byte in the file */
function checkText(bytes: Buffer, source: string, position: number, line: number): void {
  const zero = bytes.indexOf(0);
  if (zero < 0 && isUtf8(bytes)) return;
  if (position === 0 && utf16Marks.includes(bytes.toString('hex', 0, 2))) {
    fail('DATA_INVALID', `${source} is UTF-16, not UTF-8`, 'Save it as UTF-8.');
  }
  const invalid = isUtf8(bytes) ? bytes.length : firstInvalid(bytes);
  const at = zero < 0 ? invalid : Math.min(zero, invalid);
  const place = `byte ${position + at} (line ${line + countLines(bytes.subarray(0, at))})`;
  if (at === zero) {
    fail('DATA_INVALID', `${source} holds a NUL byte at ${place}: it is no text file`, 'Name a text file in UTF-8.');
  }
  fail('DATA_INVALID', `${source} is not UTF-8 at ${place}`, 'Save it as UTF-8, or repair this place.');
}

/** Length of `bytes` without a character that the end cuts. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const length = characterLength(bytes[bytes.length - back] as number);
    if (length > back) return bytes.length - back;
    if (length > 0) break;
  }
  return bytes.length;
}

/** Bytes of the character that `lead` begins; 0 when it begins none. */
function characterLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc0) return 0;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : lead < 0xf8 ? 4 : 0;
}

function firstInvalid(bytes: Buffer): number {
  let at = 0;
  while (at < bytes.length) {
    const length = characterLength(bytes[at] as number);
    if (length === 0 || at + length > bytes.length || !isUtf8(bytes.subarray(at, at + length))) return at;
    at += length;
  }
  return at;
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) lines++;
  return lines;
}
