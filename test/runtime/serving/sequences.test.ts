/** Texts that clients send in pieces: what they get is what the whole text gets, and nothing is kept for ever. */
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { exportOnnx } from '../../../exporters/export.ts';
import type { TrainedModel } from '../../../models/model.ts';
import type { BatchingOptions } from '../../../runtime/batching/batcher.ts';
import { loadClassifier } from '../../../runtime/index.ts';
import type { RawOutputs } from '../../../runtime/predict/text-classifier.ts';
import type { SequencePiece } from '../../../runtime/serving/protocol/sequence.ts';
import { createSequences } from '../../../runtime/serving/sequences.ts';
import { openServedModel } from '../../../runtime/serving/served-model.ts';
import type { ErrorCode } from '../../../src/core/errors.ts';
import { memoryInUse } from '../../support/memory.ts';
import {
  type Answer,
  expectError,
  expectedProbabilities,
  holdModels,
  mailModel,
  oneAtATime,
  processesOfModels,
  type Served,
  serve,
  tolerance,
  topicModel,
  useServers,
  withSeed,
  writeModel,
} from '../../support/serving.ts';
import { modelOf } from '../../support/trained-model.ts';

const preprocessing = { ...mailModel.preprocessing, maxLength: 12 };
const chat: TrainedModel = { ...mailModel, preprocessing };
/** Three classes; reads the zeros behind a text, and cuts it there. */
const feed: TrainedModel = {
  ...modelOf([
    { type: 'embedding', inputDim: 30, outputDim: 4 },
    { type: 'gru', units: 5 },
    { type: 'dense', units: 3, activation: 'softmax' },
  ]),
  preprocessing: { ...preprocessing, padding: 'post', truncating: 'post' },
};
const withStates = (model: TrainedModel) => exportOnnx(model, { states: true });

const { start } = useServers();

interface Piece {
  readonly id: string | number;
  readonly start?: boolean;
  readonly end?: boolean;
}

/** Sends a piece as a client does that knows of sequences. */
function send(to: Served, model: string, { id, start: first, end }: Piece, text: string, more: object = {}) {
  return to.ask('POST', `/v2/models/${model}/infer`, {
    inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], data: [text] }],
    parameters: { sequence_id: id, sequence_start: first ?? false, sequence_end: end ?? false, ...more },
  });
}

function expectWhole({ status, json }: Answer, model: TrainedModel, text: string): void {
  expect({ status, error: json.error }).toEqual({ status: 200 });
  const [label, probability, probabilities, logits] = json.outputs.map(({ data }: { data: number[] }) => data);
  const [expected = []] = expectedProbabilities(model, [text]);
  expect(probabilities).toHaveLength(expected.length);
  for (const [index, p] of expected.entries()) expect(Math.abs(probabilities[index] - p)).toBeLessThan(tolerance);
  const scores = expected.length === 1 ? [1 - (expected[0] ?? 0), expected[0] ?? 0] : expected;
  const best = Math.max(...scores);
  expect(label).toEqual([model.labels[scores.indexOf(best)]]);
  expect(Math.abs(probability[0] - best)).toBeLessThan(tolerance);
  expect(logits).toHaveLength(expected.length);
}

const gauge = async (server: Served, name: string) =>
  Number(
    new RegExp(`^${name}\\{model="chat".*\\} (\\d+)$`, 'm').exec(`${(await server.ask('GET', '/metrics')).bytes}`)?.[1],
  );

describe('a sequence', () => {
  let server: Served;
  beforeAll(async () => {
    server = await serve(
      { 'chat.onnx': withStates(chat), 'feed.onnx': withStates(feed), 'topics.onnx': topicModel },
      { maxSequences: 100 },
    );
  });
  afterAll(() => server.close());

  it.each([
    ['chat', chat, 7],
    ['chat', chat, 'a name'],
    ['feed', feed, 2 ** 53 - 1],
  ])('of %s gives after each piece what the text so far gives whole', async (name, model, id) => {
    expectWhole(await send(server, name, { id, start: true }, 'w1 w2, w3'), model, 'w1 w2 w3');
    expectWhole(await send(server, name, { id }, 'unknown w9'), model, 'w1 w2 w3 unknown w9');
    expectWhole(await send(server, name, { id }, ''), model, 'w1 w2 w3 unknown w9');
    expectWhole(await send(server, name, { id, end: true }, 'w4'), model, 'w1 w2 w3 unknown w9 w4');
    expectError(await send(server, name, { id }, 'w5'), 'SEQUENCE_UNKNOWN', /there is no sequence.*has ended/);
  });

  it('begins anew where it is started again, and may begin and end in one piece', async () => {
    expectWhole(await send(server, 'chat', { id: 1, start: true }, 'w1 w2'), chat, 'w1 w2');
    expectWhole(await send(server, 'chat', { id: 1, start: true }, 'w7'), chat, 'w7');
    expectWhole(await send(server, 'chat', { id: 1, start: true, end: true }, 'w8 w9'), chat, 'w8 w9');
    expectError(await send(server, 'chat', { id: 1 }, 'w5'), 'SEQUENCE_UNKNOWN', /no sequence 1/);
  });

  it('is one of its model, and its id of its kind: 1 is not "1"', async () => {
    await send(server, 'chat', { id: 1, start: true }, 'w1');
    expectError(await send(server, 'feed', { id: 1 }, 'w2'), 'SEQUENCE_UNKNOWN', /no sequence 1/);
    expectError(await send(server, 'topics', { id: 1 }, 'w2'), 'OPTION_UNSUPPORTED', /no states/);
    expectError(await send(server, 'chat', { id: '1' }, 'w2'), 'SEQUENCE_UNKNOWN', /no sequence "1"/);
    expectWhole(await send(server, 'chat', { id: 1, end: true }, 'w2'), chat, 'w1 w2');
  });

  it('goes on after a piece that was refused or came too late: it was not read', async () => {
    const server = await start({ 'chat.onnx': withStates(chat) }, oneAtATime);
    await send(server, 'chat', { id: 2, start: true }, 'w1 w2');
    expectError(await send(server, 'chat', { id: 2 }, 'w1 '.repeat(11)), 'INPUT_INVALID', /longer than 12 ids/);
    const letGoOn = holdModels();
    expectError(await send(server, 'chat', { id: 2 }, 'w5', { timeout: 2000 }), 'DEADLINE_EXCEEDED', /within 2 ms/);
    letGoOn();
    expectWhole(await send(server, 'chat', { id: 2, end: true }, 'w3'), chat, 'w1 w2 w3');
    expectError(
      await send(server, 'chat', { id: 3, start: true }, 'w1 '.repeat(13)),
      'INPUT_INVALID',
      /longer than 12/,
    );
    expectError(await send(server, 'chat', { id: 3 }, 'w1'), 'SEQUENCE_UNKNOWN', /no sequence 3/);
  });

  it.each<[string, Record<string, unknown>, ErrorCode, RegExp]>([
    [
      'no states',
      { model: 'topics', parameters: { sequence_id: 1, sequence_start: true } },
      'OPTION_UNSUPPORTED',
      /no states.*--states/,
    ],
    ['no start', { parameters: { sequence_id: 99 } }, 'SEQUENCE_UNKNOWN', /Begin it with sequence_start/],
    ['no id', { parameters: { sequence_start: true } }, 'REQUEST_INVALID', /without sequence_id/],
    ['id 0', { parameters: { sequence_id: 0, sequence_end: true } }, 'REQUEST_INVALID', /without sequence_id/],
    ['a negative id', { parameters: { sequence_id: -1 } }, 'REQUEST_INVALID', /sequence_id is -1/],
    ['half an id', { parameters: { sequence_id: 1.5 } }, 'REQUEST_INVALID', /sequence_id is 1\.5/],
    ['an id beyond 2^53', { parameters: { sequence_id: 2 ** 60 } }, 'REQUEST_INVALID', /sequence_id is 1152/],
    ['true as id', { parameters: { sequence_id: true } }, 'REQUEST_INVALID', /sequence_id is true/],
    ['a long id', { parameters: { sequence_id: 'x'.repeat(129) } }, 'REQUEST_INVALID', /at most 128/],
    [
      'a flag in words',
      { parameters: { sequence_id: 1, sequence_start: 'yes' } },
      'REQUEST_INVALID',
      /sequence_start.*boolean/,
    ],
    [
      'two rows',
      { shape: [2], data: ['w1', 'w2'], parameters: { sequence_id: 1, sequence_start: true } },
      'INPUT_INVALID',
      /shape \[2\]/,
    ],
    [
      'ids',
      {
        name: 'ids',
        datatype: 'INT32',
        shape: [1, 1],
        data: [1],
        parameters: { sequence_id: 1, sequence_start: true },
      },
      'INPUT_INVALID',
      /input text of shape/,
    ],
  ])('with %s is refused', async (_, { model = 'chat', parameters, ...input }, code, says) => {
    const text = { name: 'text', datatype: 'BYTES', shape: [1], data: ['w1'] };
    const answer = await server.ask('POST', `/v2/models/${model}/infer`, {
      inputs: [{ ...text, ...input }],
      parameters,
    });
    expectError(answer, code, says);
  });

  it('0 and an empty text are what clients send for none', async () => {
    for (const id of [0, '']) expectWhole(await send(server, 'chat', { id }, 'w1 w2'), chat, 'w1 w2');
  });

  it('does not mix with 30 others that are read at the same time', async () => {
    const words = fc.array(
      fc.integer({ min: 1, max: 29 }).map((id) => `w${id}`),
      { minLength: 1, maxLength: 3 },
    );
    const texts = fc.sample(fc.array(words, { minLength: 2, maxLength: 4 }), 30);
    await Promise.all(
      texts.map(async (pieces, index) => {
        for (const [at, piece] of pieces.entries()) {
          const place = { id: `mixed ${index}`, start: at === 0, end: at === pieces.length - 1 };
          const answer = await send(server, 'chat', place, piece.join(' '));
          expectWhole(
            answer,
            chat,
            pieces
              .slice(0, at + 1)
              .flat()
              .join(' '),
          );
        }
      }),
    );
    expect(await gauge(server, 'recurrent_sequences')).toBe(0);
  });
});

it('a piece that waits for another is answered at its own deadline', async () => {
  const server = await start({ 'chat.onnx': withStates(chat) }, oneAtATime);
  const letGoOn = holdModels();
  const first = send(server, 'chat', { id: 1, start: true }, 'w1 w2');
  await expect.poll(() => gauge(server, 'recurrent_sequences')).toBe(1);
  const second = send(server, 'chat', { id: 1 }, 'w3', { timeout: 50_000 });
  expectError(await second, 'DEADLINE_EXCEEDED', /within 50 ms/); // the first is still being read
  letGoOn();
  expectWhole(await first, chat, 'w1 w2');
  expectWhole(await send(server, 'chat', { id: 1, end: true }, 'w4'), chat, 'w1 w2 w4');
});

describe('what is kept', () => {
  /** Sequences of a model, on a clock that stands still until `vi.advanceTimersByTime`. */
  async function onOwnClock(maxSequences: number, sequenceIdleSeconds: number, batching: BatchingOptions = {}) {
    const classifier = await loadClassifier(withStates(chat), { providers: 'cpu', threads: 1, batching });
    onTestFinished(() => classifier.dispose());
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const sequences = createSequences(() => classifier.openText(), { maxSequences, sequenceIdleSeconds });
    const { signal } = new AbortController();
    const read = (id: number, text: string, place: Partial<SequencePiece> = {}) =>
      sequences.read({ id, start: false, end: false, ...place }, text, signal);
    return { sequences, read };
  }
  const expectNear = ({ probabilities }: RawOutputs, text: string) =>
    expect(
      Math.abs((probabilities[0] ?? Number.NaN) - (expectedProbabilities(chat, [text])[0]?.[0] ?? 0)),
    ).toBeLessThan(tolerance);

  it('is bounded in number', async () => {
    const server = await start({ 'chat.onnx': withStates(chat) }, { maxSequences: 3 });
    for (const id of [1, 2, 3]) await send(server, 'chat', { id, start: true }, 'w1');
    expectError(await send(server, 'chat', { id: 4, start: true }, 'w1'), 'SEQUENCES_FULL', /3 sequences are open/);
    expectWhole(await send(server, 'chat', { id: 3, start: true }, 'w2'), chat, 'w2'); // one that takes its own place
    expect(await gauge(server, 'recurrent_sequences')).toBe(3);
  });

  it('is forgotten when nobody goes on with it', async () => {
    const { sequences, read } = await onOwnClock(3, 1.2);
    for (const id of [1, 2, 3]) await read(id, 'w1', { start: true });
    vi.advanceTimersByTime(800);
    expectNear(await read(1, 'w2'), 'w1 w2');
    vi.advanceTimersByTime(399);
    expect(sequences.count).toBe(3);
    vi.advanceTimersByTime(1);
    expect(sequences.count).toBe(1);
    await expect(read(2, 'w2')).rejects.toMatchObject({
      code: 'SEQUENCE_UNKNOWN',
      hint: expect.stringContaining('no piece for 1.2 s'),
    });
    expectNear(await read(1, 'w3'), 'w1 w2 w3');
    vi.advanceTimersByTime(1200);
    expect(sequences.count).toBe(0);
  });

  it('of 5,000 idle texts is some kilobytes each, and nothing once their time is up', async () => {
    const { sequences, read } = await onOwnClock(5000, 2);
    const idle = async (from: number) => {
      const ids = Array.from({ length: 2500 }, (_, index) => from + index);
      await Promise.all(ids.map((id) => read(id, `w${(id % 29) + 1}`, { start: true })));
    };
    const before = memoryInUse();
    await idle(1);
    await idle(2501);
    expect(sequences.count).toBe(5000);
    expect((memoryInUse() - before) / 5000).toBeLessThan(8192);
    expectNear(await read(4321, 'w3', { end: true }), 'w1 w3');
    expect(sequences.count).toBe(4999);
    vi.advanceTimersByTime(2000);
    expect(sequences.count).toBe(0);
  });

  it('is not idle while a piece is read, however long that takes, and from then on again', async () => {
    const { sequences, read } = await onOwnClock(1, 0.6, { maxDelayMs: 5000 });
    const piece = read(1, 'w1', { start: true });
    await new Promise((resolve) => setImmediate(resolve)); // it waits for mates
    vi.advanceTimersByTime(4999);
    expect(sequences.count).toBe(1);
    vi.advanceTimersByTime(1);
    await piece;
    vi.advanceTimersByTime(599);
    expect(sequences.count).toBe(1);
    vi.advanceTimersByTime(1);
    expect(sequences.count).toBe(0);
  });

  it('is freed with its model', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'recurrent-freed-'));
    const path = join(folder, 'chat.onnx');
    await writeModel(path, withStates(chat));
    const limits = { maxSequences: 5, sequenceIdleSeconds: 3600 };
    const model = await openServedModel({ name: 'chat', version: 1, path }, { providers: 'cpu', threads: 1 }, limits);
    const { sequences } = model;
    await sequences.read({ id: 1, start: true, end: false }, 'w1', new AbortController().signal);
    expect(sequences.count).toBe(1);
    await model.dispose();
    expect(sequences.count).toBe(0);
    await rm(folder, { recursive: true });
  });

  it('outlives the process of the model', async () => {
    const server = await start({ 'chat.onnx': withStates(chat) }, { isolation: 'process', threads: 1 });
    expectWhole(await send(server, 'chat', { id: 1, start: true }, 'w1 w2'), chat, 'w1 w2');
    const [pid] = processesOfModels();
    process.kill(pid as number, 'SIGKILL');
    await expect.poll(() => gauge(server, 'recurrent_processes_lost')).toBe(1);
    expectWhole(await send(server, 'chat', { id: 1 }, 'w3'), chat, 'w1 w2 w3');
  });

  it('is gone with a model that is replaced: its states are of other weights', async () => {
    const server = await start({ 'chat.onnx': withStates(chat) }, { reloadSeconds: 0.05 });
    await send(server, 'chat', { id: 1, start: true }, 'w1');
    const folder = await mkdtemp(join(tmpdir(), 'recurrent-newer-'));
    const newer = withSeed(chat, 99);
    await writeModel(join(folder, 'chat.onnx'), withStates(newer));
    await rename(join(folder, 'chat.onnx'), join(server.folder, 'chat.onnx'));
    await rm(folder, { recursive: true });
    await expect.poll(() => server.log.filter(({ msg }) => msg === 'model loaded').length).toBe(2);
    expectError(await send(server, 'chat', { id: 1 }, 'w2'), 'SEQUENCE_UNKNOWN', /its model was replaced/);
    expectWhole(await send(server, 'chat', { id: 1, start: true }, 'w2'), newer, 'w2');
  });
});

describe('pieces of one text that come at once', () => {
  it('are read in their order; with one that fails, those that wait for it fail, too', async () => {
    const classifier = await loadClassifier(withStates(chat), { providers: 'cpu', threads: 1 });
    const sequences = createSequences(() => classifier.openText(), { maxSequences: 1, sequenceIdleSeconds: 60 });
    const { signal } = new AbortController();
    const leaving = new AbortController();
    const probability = async (text: string, place: Partial<{ start: boolean; end: boolean }> = {}, stopped = signal) =>
      (await sequences.read({ id: 1, start: false, end: false, ...place }, text, stopped)).probabilities[0] ?? 0;
    const expectNear = (p: number, text: string) =>
      expect(Math.abs(p - (expectedProbabilities(chat, [text])[0]?.[0] ?? 0))).toBeLessThan(tolerance);

    const [first, second, third] = await Promise.all([
      probability('w1', { start: true }),
      probability('w2 w3'),
      probability('w4'),
    ]);
    expectNear(first, 'w1');
    expectNear(second, 'w1 w2 w3');
    expectNear(third, 'w1 w2 w3 w4');

    const gone = probability('w5', {}, leaving.signal);
    const waits = probability('w6');
    leaving.abort();
    await expect(gone).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await expect(waits).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expectNear(await probability('w5'), 'w1 w2 w3 w4 w5');

    await classifier.dispose();
    await expect(probability('w6')).rejects.toMatchObject({ code: 'SEQUENCE_UNKNOWN' });
  });
});
