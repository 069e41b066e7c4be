/** Folders appear whole or not at all, like files: written beside their place, then renamed. */
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fail } from './errors.ts';
import { fileError, writeFileAtomically } from './files.ts';

export interface FolderOptions {
  /** Whether a folder that is there already makes way. It must hold `marker`, so that no other folder is lost. */
  readonly replace: boolean;
  /** A file that every folder of this kind holds. */
  readonly marker: string;
}

/**
 * Writes a folder with these files (contents by path, whose parts `/` divides). An empty folder makes way without asking.
 * @throws FOLDER_EXISTS, FILE_ACCESS
 */
export async function writeFolder(
  path: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  { replace, marker }: FolderOptions,
): Promise<void> {
  const old = await entriesOf(path);
  if (old.length > 0 && !(replace && old.includes(marker))) refuse(path, replace, marker);
  const beside = (what: string) =>
    join(dirname(path), `.${basename(path)}.${process.pid}.${crypto.randomUUID()}.${what}`);
  const [fresh, past] = [beside('tmp'), beside('old')];
  try {
    await mkdir(dirname(path), { recursive: true });
    for (const [name, contents] of Object.entries(files)) {
      await writeFileAtomically(join(fresh, name), contents).catch(({ cause }) => {
        throw fileError(cause, join(path, name), 'write'); // named by its place, not by where it is written first
      });
    }
    const moved = await rename(path, past).then(
      () => true,
      (error) => error.code !== 'ENOENT' && Promise.reject(error),
    );
    await rename(fresh, path).catch(async (error) => {
      if (moved) await rename(past, path);
      throw error;
    });
    await rm(past, { recursive: true, force: true });
  } catch (error) {
    await rm(fresh, { recursive: true, force: true }).catch(() => {}); // what failed first is what the caller should hear
    throw fileError(error, path, 'write');
  }
}

async function entriesOf(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR')
      return fail('FOLDER_EXISTS', `${path} is a file`, 'Name another folder.');
    throw fileError(error, path, 'write');
  }
}

function refuse(path: string, replace: boolean, marker: string): never {
  if (replace) fail('FOLDER_EXISTS', `${path} has no ${marker}: it holds something else`, 'Name another folder.');
  fail('FOLDER_EXISTS', `${path} is there already`, 'Name another folder, or replace it with --force.');
}
