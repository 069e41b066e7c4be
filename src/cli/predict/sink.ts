/** Where rows go, part by part. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import { fail } from '../../core/errors.ts';
import { fileError, writeFileAtomically } from '../../core/files.ts';
import { takeLock } from '../../core/lock.ts';

/** Rows that were taken in, and a digest of their texts. */
export interface Taken {
  readonly rows: number;
  readonly digest: string;
}

export interface Sink {
  /** Rows that an earlier run has written for good. */
  readonly done: Taken;
  /** @param taken with this part; asked for only when what was written is made durable */
  write(part: string, taken: () => Taken): Promise<void>;
  /** Ends the output with this last part. */
  finish(end: string): Promise<void>;
  /** Leaves the output as it is, to be resumed. Nothing after `finish`. */
  close(): Promise<void>;
}

export const nothingTaken: Taken = { rows: 0, digest: createHash('sha256').digest('hex') };

/** Output that is the work itself: when nobody reads it any more, the process ends. */
export function outputSink(stream: NodeJS.WriteStream): Sink {
  stream.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') process.exit(0);
  });
  const write = async (part: string) => {
    if (!stream.write(part)) await once(stream, 'drain');
  };
  return {
    done: nothingTaken,
    write,
    finish: write,
    close: async () => {},
  };
}

/** Characters after which a file is made durable: so much is done again after a crash. */
const segmentLength = 2 ** 22;

const stateSchema = z.strictObject({
  version: z.literal(1),
  /** What else must be the same for the rest to fit. */
  about: z.record(z.string(), z.string()),
  rows: z.int().min(1),
  digest: z.string(),
  /** Of the partial file. */
  bytes: z.int().min(0),
});

export interface FileSinkOptions {
  /** Goes on with what an earlier run has left. */
  readonly resume: boolean;
  /** What a resumed run must have in common with the one that it resumes, by name. */
  readonly about: Readonly<Record<string, string>>;
}

/**
 * A file that appears when it is complete. Until then rows are in `path.partial`, and `path.progress` tells how far it
 * is whole: a run that was killed goes on from there. With a name in `.gz`, each segment is a gzip member of its own;
 * a segment ends by its length, so that the bytes are the same however often the run was interrupted.
 *
 * @throws RUN_EXISTS, RUN_LOCKED, RESUME_MISMATCH, FILE_NOT_FOUND, FILE_ACCESS
 */
export async function fileSink(path: string, { resume, about }: FileSinkOptions): Promise<Sink> {
  const [partial, progress] = [`${path}.partial`, `${path}.progress`];
  await mkdir(dirname(path), { recursive: true }).catch((error) => {
    throw fileError(error, path, 'write');
  });
  const unlock = await takeLock(`${path}.lock`, path);
  let file: FileHandle;
  let done = nothingTaken;
  let bytes = 0;
  try {
    file = await openPartial(partial, resume, path);
    const state = resume ? await readState(progress) : undefined;
    if (state) {
      checkAbout(state.about, about, path);
      ({ bytes } = state);
      done = { rows: state.rows, digest: state.digest };
      if ((await file.stat()).size < bytes) {
        fail('RESUME_MISMATCH', `${partial} is shorter than ${progress} says`, `Remove both, and start again.`);
      }
    } else await rm(progress, { force: true });
    await file.truncate(bytes);
  } catch (error) {
    await unlock();
    throw fileError(error, path, 'write');
  }

  let segment = '';
  async function flush(): Promise<void> {
    const packed = /\.gz$/i.test(path) ? gzipSync(segment) : Buffer.from(segment);
    segment = '';
    // A disk that becomes full takes a part, and says so only to the next that comes.
    for (let at = 0; at < packed.length; ) {
      const { bytesWritten } = await file.write(packed, at, packed.length - at, bytes + at);
      at += bytesWritten;
    }
    await file.sync();
    bytes += packed.length;
  }

  let open = true;
  async function end(): Promise<void> {
    open = false;
    await file.close();
  }

  return {
    done,
    async write(part, taken) {
      segment += part;
      if (segment.length < segmentLength) return;
      try {
        await flush();
        await writeFileAtomically(progress, JSON.stringify({ version: 1, about, ...taken(), bytes }));
      } catch (error) {
        throw fileError(error, path, 'write');
      }
    },
    async finish(last) {
      segment += last;
      try {
        await flush();
        await end();
        await rename(partial, path);
        await rm(progress, { force: true });
      } catch (error) {
        throw fileError(error, path, 'write');
      }
    },
    async close() {
      if (open) await end();
      await unlock();
    },
  };
}

async function openPartial(partial: string, resume: boolean, path: string): Promise<FileHandle> {
  try {
    return await open(partial, resume ? 'r+' : 'wx');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') {
      if ((await sizeOf(partial)) === 0) return open(partial, 'r+'); // of a run that ended before it had a row
      const hint = 'Go on with it (--resume), or remove that file to start again.';
      fail('RUN_EXISTS', `${partial} holds rows of a run that did not end`, hint, error);
    }
    if (resume && code === 'ENOENT') {
      const whole = (await sizeOf(path)) === undefined ? '' : `; ${path} is complete`;
      fail('FILE_NOT_FOUND', `there is no ${partial} to go on with${whole}`, 'Start the run without --resume.', error);
    }
    throw fileError(error, path, 'write');
  }
}

/** Undefined where there is no such file. */
async function sizeOf(path: string): Promise<number | undefined> {
  const entry = await stat(path).catch(() => undefined);
  return entry?.size;
}

/** Undefined when no segment was written yet. */
async function readState(progress: string): Promise<z.output<typeof stateSchema> | undefined> {
  let text: string;
  try {
    text = await readFile(progress, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileError(error, progress, 'read');
  }
  try {
    return stateSchema.parse(JSON.parse(text));
  } catch (error) {
    return fail('RESUME_MISMATCH', `${progress} is damaged`, 'Remove it and the partial file, and start again.', error);
  }
}

function checkAbout(before: Readonly<Record<string, string>>, now: Readonly<Record<string, string>>, path: string) {
  for (const name of new Set([...Object.keys(before), ...Object.keys(now)])) {
    if (before[name] === now[name]) continue;
    const what = `${path} was begun with ${name} ${before[name] ?? 'none'}, and is to go on with ${now[name] ?? 'none'}`;
    fail('RESUME_MISMATCH', what, 'Give what was given first, or start again without --resume.');
  }
}
