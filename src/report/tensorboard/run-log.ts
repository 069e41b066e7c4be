/**
 * A run as TensorBoard shows it, laid out and named as Keras' callback does: the folders `train` and `validation`, in
 * both the tags `epoch_loss`, `epoch_accuracy`, `epoch_precision`, `epoch_recall`, `epoch_f1` and `epoch_auc`, and in
 * `train` `epoch_learning_rate`. Steps are epochs, from 1.
 *
 * Every file begins with a session start, from whose step on the files before it do not count: so nothing is shown
 * twice where a run goes on from an earlier epoch than its events had reached. Epochs that they had not reached, as
 * after a crash or when the earlier part was not logged, are written first.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { EpochRecord } from '../../../models/checkpoint/state.ts';
import { fail } from '../../core/errors.ts';
import { fileError } from '../../core/files.ts';
import { type EventMessage, encodeEvent, lastStep } from './event.ts';
import { frameRecord, readRecords } from './record.ts';

/** Event files of TensorBoard that are open. */
export interface RunLog {
  /** Appends an epoch. It is on disk when this returns. @throws FILE_ACCESS */
  write(record: EpochRecord): void;
  /** Closes the files. */
  close(): void;
}

type Scalars = Readonly<Record<string, number>>;

const parts = {
  train: (record) =>
    measured({
      epoch_loss: record.loss,
      epoch_accuracy: record.accuracy,
      epoch_precision: record.precision,
      epoch_recall: record.recall,
      epoch_f1: record.f1,
      epoch_auc: record.auc,
      epoch_learning_rate: record.learningRate,
    }),
  validation: (record) =>
    measured({
      epoch_loss: record.validationLoss,
      epoch_accuracy: record.validationAccuracy,
      epoch_precision: record.validationPrecision,
      epoch_recall: record.validationRecall,
      epoch_f1: record.validationF1,
      epoch_auc: record.validationAuc,
    }),
} as const satisfies Record<string, (record: EpochRecord) => Scalars>;

function measured(values: Readonly<Record<string, number | null>>): Scalars {
  return Object.fromEntries(Object.entries(values).flatMap(([tag, value]) => (value === null ? [] : [[tag, value]])));
}

/** Other writers of events put the host's name here. */
const writerName = 'recurrent-onnx';
const eventFile = /^events\.out\.tfevents\.(\d+)\./;

/** @throws RUN_EXISTS when `folder` already holds the events of a run */
export function checkLogFolder(folder: string): void {
  const [found] = eventFilesOfRun(folder);
  if (found === undefined) return;
  fail(
    'RUN_EXISTS',
    `${folder} already holds the events of a run: ${found}`,
    'Choose another folder for each run, or replace it together with the run (--overwrite).',
  );
}

/** Removes the events that this program wrote there. @throws FILE_ACCESS */
export function clearLogFolder(folder: string): void {
  for (const path of eventFilesOfRun(folder)) {
    if (path.includes(`.${writerName}.`)) guarded(path, 'write', () => rmSync(path));
  }
}

/** Opens event files for a run, after those that it has. @param history of the epochs done before */
export function openRunLog(folder: string, history: readonly EpochRecord[]): RunLog {
  const logs = Object.entries(parts).map(([name, scalarsOf]) => openPart(join(folder, name), history, scalarsOf));
  return {
    write: (record) => {
      for (const log of logs) log.write(record);
    },
    close: () => {
      for (const log of logs) log.close();
    },
  };
}

/** The file is made with its first event: no validation, no folder for it. */
function openPart(
  folder: string,
  history: readonly EpochRecord[],
  scalarsOf: (record: EpochRecord) => Scalars,
): RunLog {
  let file: number | undefined;
  const append = (message: EventMessage) => {
    const opened = file;
    if (opened !== undefined) guarded(folder, 'write', () => writeSync(opened, frameRecord(encodeEvent(message))));
  };
  const appendScalars = (record: EpochRecord) => {
    const values = scalarsOf(record);
    if (Object.keys(values).length > 0)
      append({ wallTime: now(), step: record.epoch, what: { type: 'scalars', values } });
  };
  return {
    write(record) {
      if (file === undefined) {
        if (Object.keys(scalarsOf(record)).length === 0) return;
        const logged = readLog(folder);
        const first = Math.min(logged.lastStep, history.length) + 1;
        file = guarded(folder, 'write', () => openSync(join(folder, fileName(logged.newest)), 'ax'));
        append({ wallTime: now(), what: { type: 'fileVersion' } });
        append({ wallTime: now(), step: first, what: { type: 'start' } });
        history.filter(({ epoch }) => epoch >= first).forEach(appendScalars);
      }
      appendScalars(record);
      const opened = file;
      guarded(folder, 'write', () => fsyncSync(opened));
    },
    close() {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}

/** What the event files of `folder` say, which is made if it is not there. */
function readLog(folder: string): { readonly lastStep: number; readonly newest: number } {
  guarded(folder, 'write', () => mkdirSync(folder, { recursive: true }));
  const names = readdirSync(folder)
    .filter((name) => eventFile.test(name))
    .sort();
  return { lastStep: lastStep(eventsOf(folder, names)), newest: Number(eventFile.exec(names.at(-1) ?? '')?.[1] ?? 0) };
}

function* eventsOf(folder: string, names: readonly string[]): Generator<Uint8Array> {
  for (const name of names) {
    const path = join(folder, name);
    yield* readRecords(guarded(path, 'read', () => readFileSync(path)));
  }
}

/** TensorBoard reads the files of a folder in the order of their names, so a new one is named later than those before it. */
function fileName(newest: number): string {
  const seconds = Math.max(Math.floor(now()), newest + 1);
  return `events.out.tfevents.${String(seconds).padStart(10, '0')}.${writerName}.${process.pid}.0`;
}

function eventFilesOfRun(folder: string): string[] {
  return Object.keys(parts).flatMap((part) => {
    const inside = join(folder, part);
    return guardedList(inside)
      .filter((name) => eventFile.test(name))
      .map((name) => join(inside, name));
  });
}

function guardedList(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw fileError(error, folder, 'read');
  }
}

function now(): number {
  return Date.now() / 1000;
}

function guarded<T>(path: string, action: 'read' | 'write', work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw fileError(error, path, action);
  }
}
