/**
 * Entries of a zip archive that nobody vouches for: sizes are checked before memory is asked for, checksums after.
 * yauzl refuses names that lead out of the archive and entries that are longer than they say.
 */
import { crc32 } from 'node:zlib';
import type { Entry, ZipFile } from 'yauzl';
import { RecurrentError } from '../../src/core/errors.ts';
import { refuseFile } from './json.ts';

/** Weights hardly compress: what unpacks to more is no model. */
const limitOf = (packed: number) => 64_000_000 + 4 * packed;

/** @param path named in errors @throws IMPORT_INVALID */
export async function readZip(
  bytes: Uint8Array,
  path: string,
  wanted: (name: string) => boolean,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const { fromBufferPromise } = await import('yauzl');
  const found = new Map<string, Uint8Array>();
  let unpacked = 0;
  try {
    const archive = await fromBufferPromise(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    for await (const entry of archive.eachEntry()) {
      const name = entry.fileName;
      if (!wanted(name)) continue;
      if (found.has(name)) return refuseFile(path, `holds ${name} twice`);
      if (entry.isEncrypted()) return refuseFile(path, 'is encrypted');
      unpacked += entry.uncompressedSize;
      if (unpacked > limitOf(bytes.length)) {
        return refuseFile(path, `would unpack to more than ${limitOf(bytes.length)} bytes from ${bytes.length}`);
      }
      found.set(name, await readEntry(archive, entry, path));
    }
  } catch (error) {
    if (error instanceof RecurrentError) throw error;
    return refuseFile(path, `is no sound zip archive: ${(error as Error).message}`, error);
  }
  return found;
}

async function readEntry(archive: ZipFile, entry: Entry, path: string): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of await archive.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
  const contents = Buffer.concat(chunks);
  if (crc32(contents) !== entry.crc32)
    return refuseFile(path, `is damaged: the checksum of ${entry.fileName} is wrong`);
  return contents;
}
