/** A file that says who is writing: one process at a time. */
import { open, readFile, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fail } from './errors.ts';
import { fileError } from './files.ts';

/**
 * Locks of this process. One that has its id and is none of these was left by another before it: in a container every
 * process may be number 1.
 */
const held = new Set<string>();

/**
 * Takes the lock `path`, a file that holds the process id. One left by a process that is gone is taken over.
 *
 * @param what is written meanwhile, as the message calls it
 * @returns a function that gives it free
 * @throws RUN_LOCKED, FILE_ACCESS
 */
export async function takeLock(path: string, what: string): Promise<() => Promise<void>> {
  const key = resolve(path);
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = await open(path, 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
      held.add(key);
      return async () => {
        held.delete(key);
        await rm(path, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw fileError(error, path, 'write');
      const owner = Number(await readFile(path, 'utf8').catch(() => ''));
      if (owner === process.pid ? held.has(key) : owner > 0 && isAlive(owner)) {
        fail('RUN_LOCKED', `${what} is being written by process ${owner}`, 'Wait for it, or choose another place.');
      }
      await rm(path, { force: true });
    }
  }
  return fail('RUN_LOCKED', `${what} is being written by another process`, 'Wait for it, or choose another place.');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
