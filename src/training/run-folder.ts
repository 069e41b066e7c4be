/**
 * The folder of a run. `last.safetensors` is everything that is needed to go on, `best.safetensors` the best model
 * so far, `history.csv` the figures of each epoch. Each is replaced whole; one process at a time may write.
 */
import { mkdir, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Checkpoint, encodeCheckpoint, loadCheckpoint } from '../../models/checkpoint/checkpoint.ts';
import { type EpochRecord, epochRecordSchema } from '../../models/checkpoint/state.ts';
import type { TrainedModel } from '../../models/model.ts';
import { fail } from '../core/errors.ts';
import { fileError, removeRemains, writeFileAtomically } from '../core/files.ts';
import { takeLock } from '../core/lock.ts';

/** Where things are in the folder of a run. */
export interface RunFiles {
  /** The best model so far. */
  readonly best: string;
  /** All that is needed to go on. */
  readonly last: string;
  /** The figures of each epoch, as CSV. */
  readonly history: string;
  /** Where `recurrent` puts the exported model. */
  readonly onnx: string;
  /** Where `recurrent` draws the losses. */
  readonly lossChart: string;
}

export interface RunFolder {
  readonly files: RunFiles;
  /** What the folder held when it was opened to resume. */
  readonly previous: Checkpoint | undefined;
  save(checkpoint: Checkpoint, history: readonly EpochRecord[], improved: boolean): Promise<void>;
  /** Gives the folder free for others. */
  close(): Promise<void>;
}

/** `new`: refuses a folder that holds a run; `overwrite`: replaces it at the first save; `resume`: goes on with it. */
export type RunMode = 'new' | 'overwrite' | 'resume';

/** The files of the run in `folder`, whether they are there or not. */
export function runFiles(folder: string): RunFiles {
  return {
    best: join(folder, 'best.safetensors'),
    last: join(folder, 'last.safetensors'),
    history: join(folder, 'history.csv'),
    onnx: join(folder, 'model.onnx'),
    lossChart: join(folder, 'loss.svg'),
  };
}

/** Checks that `folder` holds a run, or none, as `mode` needs it. @throws RUN_EXISTS, FILE_NOT_FOUND */
export async function checkRunFolder(folder: string, mode: RunMode): Promise<void> {
  const { last } = runFiles(folder);
  const exists = await isFile(last);
  if (mode === 'resume' && !exists) {
    fail('FILE_NOT_FOUND', `${last} does not exist: there is no run to resume`, 'Start it without resume.');
  }
  if (mode === 'new' && exists) {
    fail(
      'RUN_EXISTS',
      `${folder} already holds a run`,
      'Resume it (--resume), replace it (--overwrite) or choose another folder.',
    );
  }
}

/** @throws RUN_LOCKED, RUN_EXISTS, FILE_NOT_FOUND, FILE_ACCESS, CHECKPOINT_INVALID */
export async function openRunFolder(folder: string, mode: RunMode): Promise<RunFolder> {
  const files = runFiles(folder);
  await checkRunFolder(folder, mode);
  const unlock = await lock(folder);
  try {
    for (const file of [files.best, files.last, files.history]) await removeRemains(file);
    const previous = mode === 'resume' ? await loadCheckpoint(files.last) : undefined;
    const writeBest = (model: TrainedModel) => writeFileAtomically(files.best, encodeCheckpoint({ model }));
    const writeHistory = (history: readonly EpochRecord[]) => writeFileAtomically(files.history, toCsv(history));
    if (previous?.run) {
      // one that was killed between two files has left others than those of `last`
      await writeBest(previous.model);
      await writeHistory(previous.run.history);
    }
    let stale = mode === 'overwrite';
    return {
      files,
      previous,
      async save(checkpoint, history, improved) {
        // what was made of the run that is being replaced
        if (stale) for (const file of [files.onnx, files.lossChart]) await rm(file, { force: true });
        stale = false;
        if (improved) await writeBest(checkpoint.model);
        await writeFileAtomically(files.last, encodeCheckpoint(checkpoint));
        await writeHistory(history);
      },
      close: unlock,
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}

const columns = Object.keys(epochRecordSchema.shape) as (keyof EpochRecord)[];

function toCsv(history: readonly EpochRecord[]): string {
  const lines = history.map((record) => columns.map((column) => record[column] ?? '').join(','));
  return `${[columns.join(','), ...lines].join('\n')}\n`;
}

/** Takes the folder's lock. A folder that was made for it goes with it if nothing was saved. */
async function lock(folder: string): Promise<() => Promise<void>> {
  const made = await mkdir(folder, { recursive: true }).catch((error) => {
    throw fileError(error, folder, 'write');
  });
  const unlock = await takeLock(join(folder, '.lock'), folder);
  return async () => {
    await unlock();
    if (made !== undefined) await removeEmpty(folder, made);
  };
}

/** Removes `folder` and its parents down from `topmost`, as far as they are empty. */
async function removeEmpty(folder: string, topmost: string): Promise<void> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const removed = await rmdir(at).then(
      () => true,
      () => false,
    );
    if (!removed || at === resolve(topmost)) return;
  }
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );
}
