/** A file that says who is writing: one process at a time. */
import { open, readFile, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { fail } from './errors.ts';
import { fileError } from './files.ts';

/**
 * Takes the lock `path`, a file that holds the process id and the host. One left by a process that is gone is taken over.
 *
 * @param what is written meanwhile, as the message calls it
 * @returns a function that gives it free
 * @throws RUN_LOCKED, FILE_ACCESS
 */
export async function takeLock(path: string, what: string): Promise<() => Promise<void>> {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await writeNew(path, `${process.pid} ${hostname()}`);
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw fileError(error, path, 'write');
      const owner = await ownerOf(path);
      if (owner !== undefined) {
        fail(
          'RUN_LOCKED',
          `${what} is being written by ${owner}`,
          `Wait for it, or choose another place. If it is gone, delete ${path}.`,
        );
      }
      await rm(path, { force: true });
    }
  }
  return fail('RUN_LOCKED', `${what} is being written by another process`, 'Wait for it, or choose another place.');
}

/** A file that was not there before; none where it cannot be written whole. */
async function writeNew(path: string, contents: string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(contents);
  } catch (error) {
    await rm(path, { force: true }).catch(() => {}); // what failed first is what the caller should hear
    throw error;
  } finally {
    await file.close();
  }
}

/** Milliseconds in which a process that has made the file writes its name into it. */
const naming = 1000;

/** Who holds the lock, for people; undefined when nobody does any more. */
async function ownerOf(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => ''); // it may be given free in this moment
  const made = await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
  const [, id = '', host = hostname()] = /^(\d+)(?: (.+))?$/.exec(text) ?? [];
  if (id === '') return Date.now() - made < naming ? 'another process' : undefined;
  if (host !== hostname()) return `process ${id} of ${host}`; // who can tell whether that one is alive
  const pid = Number(id);
  const born = Date.now() - 1000 * process.uptime();
  // In a container that is started again, processes have the ids that they had before.
  const isGone = pid === process.pid ? made < born : !isAlive(pid);
  return isGone ? undefined : `process ${id}`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
