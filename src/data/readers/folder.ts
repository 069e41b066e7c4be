/** A subfolder for each class, named by it, with a `.txt` file for each example. */
import type { Dirent } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../core/errors.ts';
import { fileError } from '../../core/files.ts';
import {
  atOnce,
  checkExamples,
  checkInterruption,
  checkTotalBytes,
  type LabelledText,
  largestRecord,
  limits,
  type Reader,
} from './reader.ts';
import { decodeUtf8 } from './utf8.ts';

export const readFolder: Reader = async ({ source, progress, signal }) => {
  const { classes, files, leftOut } = await listClasses(source);
  checkExamples(files.length, source);
  const texts: LabelledText[] = [];
  let bytes = 0;
  progress.start(`reading ${source}`, files.length);
  for (let from = 0; from < files.length; from += atOnce) {
    checkInterruption(signal);
    const contents = await Promise.all(files.slice(from, from + atOnce).map(({ path }) => readTextFile(path)));
    for (const [index, content] of contents.entries()) {
      const { id, label } = files[from + index] as TextFile;
      texts.push({ id, text: content.text, label });
      bytes += content.bytes;
    }
    checkTotalBytes(bytes, source);
    progress.update(texts.length);
  }
  progress.stop();
  return { texts, notes: leftOut.length ? [describeLeftOut(leftOut, classes)] : [] };
};

interface TextFile {
  readonly id: string;
  readonly path: string;
  readonly label: string;
}

interface Listing {
  readonly classes: readonly string[];
  /** Sorted by name in each class. */
  readonly files: readonly TextFile[];
  /** Neither a class nor an example. */
  readonly leftOut: readonly string[];
}

async function listClasses(source: string): Promise<Listing> {
  const files: TextFile[] = [];
  const { folders: classes, others: leftOut } = await list(source);
  if (classes.length === 0) {
    fail(
      'DATA_INVALID',
      `${source} has no subfolders`,
      'Put the .txt files of each class into a subfolder named by it.',
    );
  }
  for (const label of classes) {
    const inside = await list(join(source, label));
    const names = inside.others.filter((name) => name.endsWith('.txt'));
    if (names.length === 0) {
      fail(
        'DATA_INVALID',
        `${join(source, label)} has no .txt files`,
        inside.folders.length
          ? `Name a folder whose subfolders hold the texts, such as ${join(source, label)}.`
          : 'Put the .txt files of each class into its subfolder, and nothing else beside them.',
      );
    }
    for (const name of names) files.push({ id: `${label}/${name}`, path: join(source, label, name), label });
    const rest = [...inside.folders, ...inside.others.filter((name) => !name.endsWith('.txt'))];
    for (const name of rest) leftOut.push(`${label}/${name}`);
  }
  return { classes, files, leftOut };
}

/** Names in a folder, sorted; hidden ones are passed over. */
async function list(path: string): Promise<{ folders: string[]; others: string[] }> {
  try {
    const entries = (await readdir(path, { withFileTypes: true })).filter(({ name }) => !name.startsWith('.'));
    const folders: string[] = [];
    const others: string[] = [];
    for (const entry of entries) ((await isFolder(path, entry)) ? folders : others).push(entry.name);
    return { folders: folders.sort(), others: others.sort() };
  } catch (error) {
    throw fileError(error, path, 'read');
  }
}

async function isFolder(path: string, entry: Dirent): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  const target = join(path, entry.name);
  const found = await stat(target).catch((error: unknown) => {
    throw fileError(error, target, 'read');
  });
  return found.isDirectory();
}

/** Line ends become newlines, as they do where a file is opened in text mode. */
async function readTextFile(path: string): Promise<{ text: string; bytes: number }> {
  try {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      if (size > limits.recordBytes) {
        fail('DATA_INVALID', `${path} is larger than ${largestRecord}`, 'One file is one example.');
      }
      return { text: decodeUtf8(await file.readFile(), path).replace(/\r\n?/g, '\n'), bytes: size };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(error, path, 'read');
  }
}

function describeLeftOut(leftOut: readonly string[], classes: readonly string[]): string {
  const some = leftOut.slice(0, 3).join(', ');
  const more = leftOut.length > 3 ? ', …' : '';
  const what = leftOut.length === 1 ? 'entry is no .txt file' : 'entries are no .txt files';
  return `${leftOut.length} ${what} of ${classes.join(', ')}, left out: ${some}${more}`;
}
