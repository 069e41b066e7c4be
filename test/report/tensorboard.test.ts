/** Event files: against published vectors, against bytes of TensorBoard's own writer, and read by TensorBoard itself where it is installed. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EpochRecord } from '../../models/checkpoint/state.ts';
import { crc32c } from '../../src/report/tensorboard/crc32c.ts';
import { type EventMessage, encodeEvent, lastStep, readEvent } from '../../src/report/tensorboard/event.ts';
import { frameRecord, readRecords } from '../../src/report/tensorboard/record.ts';
import { checkLogFolder, clearLogFolder, openRunLog } from '../../src/report/tensorboard/run-log.ts';
import { needPython, runPython } from '../support/python.ts';

const fixture = readFileSync(new URL('../fixtures/tensorboard/scalars.tfevents', import.meta.url));

/** What tools/fixtures/tensorboard_events.py had TensorBoard write. */
const fixtureEvents: readonly EventMessage[] = [
  { wallTime: 1700000000.25, what: { type: 'fileVersion' } },
  { wallTime: 1700000000.25, step: 3, what: { type: 'start' } },
  scalarsAt(1700000000.25, 0, { epoch_loss: Math.LN2, epoch_accuracy: 0.5, epoch_learning_rate: 0.001 }),
  scalarsAt(1700000001.25, 1, { epoch_loss: 0.5514, epoch_accuracy: 0.727, epoch_learning_rate: 0.001 }),
  scalarsAt(1700000002.25, 127, { epoch_loss: 1e-30, epoch_accuracy: 1, epoch_learning_rate: -0 }),
  scalarsAt(1700000003.25, 2 ** 40, { 'verlust/tägliche 손실': Number.POSITIVE_INFINITY }),
];

function scalarsAt(wallTime: number, step: number, values: Record<string, number>): EventMessage {
  return { wallTime, step, what: { type: 'scalars', values } };
}

const bytesOf = (events: readonly EventMessage[]) => Buffer.concat(events.map((one) => frameRecord(encodeEvent(one))));

describe('the checksum', () => {
  // RFC 3720, B.4, and the check value of CRC-32/ISCSI in the catalogue of parametrised CRC algorithms.
  it.each([
    ['32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['32 rising bytes', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ['32 falling bytes', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
    ['123456789', new TextEncoder().encode('123456789'), 0xe3069283],
    ['nothing', new Uint8Array(0), 0],
  ])('of %s is the published one', (_, bytes, expected) => expect(crc32c(bytes)).toBe(expected));

  it('tells every single bit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.nat(), (bytes, place) => {
        const bit = place % (8 * bytes.length);
        const changed = bytes.with(bit >> 3, (bytes[bit >> 3] as number) ^ (1 << (bit & 7)));
        return crc32c(changed) !== crc32c(bytes);
      }),
    );
  });
});

describe('records', () => {
  it('are read as they were written, up to where a file is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), fc.nat(), (payloads, place) => {
        const framed = payloads.map(frameRecord);
        const file = Buffer.concat(framed);
        const cut = place % (file.length + 1);
        let whole = 0;
        for (let end = 0; whole < framed.length && end + (framed[whole] as Uint8Array).length <= cut; whole++) {
          end += (framed[whole] as Uint8Array).length;
        }
        const read = [...readRecords(file.subarray(0, cut))].map((payload) => [...payload]);
        expect(read).toEqual(payloads.slice(0, whole).map((payload) => [...payload]));
      }),
    );
  });

  it('end at the first damaged bit', () => {
    const file = bytesOf(fixtureEvents);
    const [second = 0, length = 0] = fixtureEvents.map((one) => frameRecord(encodeEvent(one)).length);
    for (let bit = 0; bit < 8 * length; bit++) {
      const damaged = Uint8Array.from(file);
      const at = second + (bit >> 3);
      damaged[at] = (damaged[at] as number) ^ (1 << (bit & 7));
      expect([...readRecords(damaged)]).toHaveLength(1);
    }
  });
});

describe('events', () => {
  it("are, bit for bit, those of TensorBoard's own writer", () => {
    expect(bytesOf(fixtureEvents).toString('hex')).toBe(fixture.toString('hex'));
  });

  it('are read back', () => {
    const read = fixtureEvents.map(({ step = 0, what }) => ({ type: what.type, step }));
    expect([...readRecords(fixture)].map(readEvent)).toEqual(read);
    expect(readEvent(Uint8Array.of(0xff, 0xff))).toBeUndefined();
  });

  it('do not count where a later session starts before them', () => {
    const scalars = (step: number) => encodeEvent(scalarsAt(0, step, { x: 1 }));
    const started = (step: number) => encodeEvent({ wallTime: 0, step, what: { type: 'start' } });
    const stopped = started(1).with(-1, 2); // SessionLog.STOP
    expect(lastStep([])).toBe(0);
    expect(lastStep([scalars(1), scalars(9), started(5)])).toBe(4);
    expect(lastStep([scalars(3), started(5), scalars(5)])).toBe(5);
    expect(lastStep([scalars(3), stopped])).toBe(3);
  });
});

const epoch = (number: number, changes: Partial<EpochRecord> = {}): EpochRecord => ({
  epoch: number,
  learningRate: 0.001,
  loss: 1 / number,
  accuracy: 1 - 1 / (number + 1),
  precision: 0.25,
  recall: 0.75,
  f1: 0.375,
  auc: 1 - 1 / (number + 2),
  validationLoss: 1.5 / number,
  validationAccuracy: 0.5,
  validationPrecision: 0.625,
  validationRecall: null,
  validationF1: null,
  validationAuc: 0.875,
  ...changes,
});
const epochs = (from: number, to: number, changes: Partial<EpochRecord> = {}) =>
  Array.from({ length: to - from + 1 }, (_, index) => epoch(from + index, changes));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'events-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function log(records: readonly EpochRecord[], history: readonly EpochRecord[] = []): void {
  const opened = openRunLog(folder, history);
  for (const record of records) opened.write(record);
  opened.close();
}

const filesOf = (part: string) => readdirSync(join(folder, part)).sort();
/** Steps of the summaries in each file, in the order in which TensorBoard takes them. */
const stepsOf = (part: string) =>
  filesOf(part).map((name) =>
    [...readRecords(readFileSync(join(folder, part, name)))].flatMap((one) => {
      const read = readEvent(one);
      return read?.type === 'scalars' ? read.step : [];
    }),
  );

describe('the log of a run', () => {
  it('is on disk after each epoch', () => {
    const opened = openRunLog(folder, []);
    for (const record of epochs(1, 3)) {
      opened.write(record);
      expect(stepsOf('train')).toEqual([epochs(1, record.epoch).map(({ epoch }) => epoch)]);
      expect(stepsOf('validation')).toEqual(stepsOf('train'));
    }
    opened.close();
  });

  it('has no part without values', () => {
    const missing = { validationLoss: null, validationAccuracy: null, validationPrecision: null, validationAuc: null };
    log(epochs(1, 2, missing));
    expect(readdirSync(folder)).toEqual(['train']);
    openRunLog(join(folder, 'other'), []).close();
    expect(readdirSync(folder)).toEqual(['train']);
  });

  it('goes on in a new, later file', () => {
    log(epochs(1, 3));
    log(epochs(4, 5), epochs(1, 3));
    log(epochs(6, 6), epochs(1, 5));
    expect(stepsOf('train')).toEqual([[1, 2, 3], [4, 5], [6]]);
  });

  it('writes first what is missing of the epochs before', () => {
    log(epochs(1, 2));
    log(epochs(5, 5), epochs(1, 4));
    expect(stepsOf('train')).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
    rmSync(join(folder, 'train'), { recursive: true });
    log(epochs(6, 6), epochs(1, 5));
    expect(stepsOf('train')).toEqual([[1, 2, 3, 4, 5, 6]]);
    expect(stepsOf('validation')).toEqual([[1, 2], [3, 4, 5], [6]]);
  });

  it('is one for each run', () => {
    checkLogFolder(folder);
    log(epochs(1, 1));
    expect(() => checkLogFolder(folder)).toThrowError(expect.objectContaining({ code: 'RUN_EXISTS' }));
    const foreign = join(folder, 'train', 'events.out.tfevents.1700000000.host.1.0');
    writeFileSync(foreign, fixture);
    clearLogFolder(folder);
    expect(filesOf('train')).toEqual(['events.out.tfevents.1700000000.host.1.0']);
    expect(filesOf('validation')).toEqual([]);
  });

  it('says where it cannot write', () => {
    writeFileSync(join(folder, 'train'), 'a file where a folder should be');
    expect(() => log(epochs(1, 1))).toThrowError(
      expect.objectContaining({ code: 'FILE_ACCESS', message: expect.stringContaining(join(folder, 'train')) }),
    );
  });
});

describe('TensorBoard itself', () => {
  const script = fileURLToPath(new URL('../../tools/peers/read_events.py', import.meta.url));
  type Runs = Record<string, Record<string, [step: number, value: number][]>>;

  async function read(): Promise<{ version: string; runs: Runs }> {
    return JSON.parse(await runPython(script, folder));
  }

  it('shows what was written, once, over crashes and resumptions', async (context) => {
    await needPython(context, 'tensorboard');
    // Another run had gone further here, under the names of another writer: none of it counts.
    mkdirSync(join(folder, 'train'));
    writeFileSync(
      join(folder, 'train', 'events.out.tfevents.1700000000.host.1.0'),
      bytesOf(epochs(1, 9).map((one) => scalarsAt(1700000000, one.epoch, { epoch_loss: 77 }))),
    );
    log(epochs(1, 4));
    const [, newest = ''] = filesOf('train');
    const path = join(folder, 'train', newest);
    truncateSync(path, readFileSync(path).length - 5); // a crash while epoch 4 was being written
    log(epochs(5, 7), epochs(1, 4));
    log(epochs(7, 8, { loss: 0.25 }), epochs(1, 6)); // from a checkpoint that is older than the events
    const { version, runs } = await read();
    const records = [...epochs(1, 6), ...epochs(7, 8, { loss: 0.25 })];
    const curve = (pick: (record: EpochRecord) => number | null) =>
      records.map((one) => [one.epoch, Math.fround(pick(one) ?? Number.NaN)]);
    expect(runs).toEqual({
      train: {
        epoch_loss: curve(({ loss }) => loss),
        epoch_accuracy: curve(({ accuracy }) => accuracy),
        epoch_precision: curve(({ precision }) => precision),
        epoch_recall: curve(({ recall }) => recall),
        epoch_f1: curve(({ f1 }) => f1),
        epoch_auc: curve(({ auc }) => auc),
        epoch_learning_rate: curve(({ learningRate }) => learningRate),
      },
      validation: {
        epoch_loss: curve(({ validationLoss }) => validationLoss),
        epoch_accuracy: curve(({ validationAccuracy }) => validationAccuracy),
        epoch_precision: curve(({ validationPrecision }) => validationPrecision),
        epoch_auc: curve(({ validationAuc }) => validationAuc),
      },
    });
    console.log(`TensorBoard ${version} shows ${records.length} epochs`);
  });
});
