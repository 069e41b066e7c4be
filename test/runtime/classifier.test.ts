import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import { createEncoder } from '../../models/text/encoder.ts';
import { type Classifier, loadClassifier } from '../../runtime/index.ts';
import { predictionOf } from '../../runtime/predict/prediction.ts';
import { loadClassifier as loadInBrowser } from '../../runtime/web/index.ts';
import { referenceForward } from '../../src/reference/reference.ts';
import { processesOfModels } from '../support/serving.ts';
import { modelOf } from '../support/trained-model.ts';

const head = { type: 'dense', units: 1, activation: 'sigmoid' } as const;
const embedding = { type: 'embedding', inputDim: 30, outputDim: 4 } as const;
const model = { ...modelOf([embedding, { type: 'lstm', units: 5 }, head]), labels: ['ham', 'spam'] };
const classes = modelOf([embedding, { type: 'gru', units: 5 }, { type: 'dense', units: 3 }]);
const encoder = createEncoder({ ...model, vocabularySize: 30 });

let binary: Classifier;
let ternary: Classifier;
beforeAll(async () => {
  binary = await loadClassifier(exportOnnx(model), { providers: 'cpu' });
  ternary = await loadClassifier(exportOnnx(classes), { providers: 'cpu' });
});
afterAll(async () => {
  await binary.dispose();
  await ternary.dispose();
});

/** See test/exporters/values.test.ts. */
const tolerance = 5e-6;

test('a call of many rows takes no more of the queue at a time than it holds', async () => {
  const batching = { maxQueue: 3, maxBatch: 2 };
  const classifier = await loadClassifier(exportOnnx(model), { providers: 'cpu', threads: 1, batching });
  const texts = Array.from({ length: 50 }, (_, index) => `w${1 + (index % 29)} w2`);
  expect(await classifier.predictBatch(texts)).toHaveLength(50);
  expect((await classifier.predictIds(new Int32Array(100).fill(3), 50, 2)).probabilities).toHaveLength(50);
  expect((await classifier.explain('w1 w2 w3 w4 w5 w6')).words).toHaveLength(6);
  const outcomes = await Promise.allSettled(texts.map((text) => classifier.predict(text))); // of calls of their own
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  await classifier.dispose();
});

describe('predict', () => {
  test('gives label, probability, scores and counts of words', async () => {
    const text = 'w1 w2, w29! unknown w3';
    const prediction = await binary.predict(text);
    const { ids } = encoder.encodeAll([text]);
    const [p = Number.NaN] = referenceForward(model, ids, 1, 6).probabilities;
    expect(Object.keys(prediction.scores)).toEqual(['ham', 'spam']);
    expect(Math.abs((prediction.scores.spam ?? Number.NaN) - p)).toBeLessThan(tolerance);
    expect((prediction.scores.ham ?? 0) + (prediction.scores.spam ?? 0)).toBe(1);
    expect(prediction.label).toBe(p > 0.5 ? 'spam' : 'ham');
    expect(prediction.probability).toBe(prediction.scores[prediction.label]);
    expect(prediction).toMatchObject({ words: 5, knownWords: 4 });
  });

  test('of several classes takes the most probable', async () => {
    for (const text of ['w1', 'w5 w9 w2', 'w11 w12 w13 w14 w15 w16 w17']) {
      const { label, probability, scores } = await ternary.predict(text);
      expect(Object.values(scores).reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 6);
      expect(probability).toBe(Math.max(...Object.values(scores)));
      expect(scores[label]).toBe(probability);
    }
  });

  test.each(['', ' ', '\0', 'nothing known', '🦆'.repeat(1000), '\ud800', 'w1 '.repeat(100_000), 'مرحبا w1'])(
    'takes any text: %.20j',
    async (text) => {
      const { probability } = await binary.predict(text);
      expect(probability).toBeGreaterThanOrEqual(0.5);
      expect(probability).toBeLessThanOrEqual(1);
    },
  );

  test.each([undefined, null, 7, {}, ['w1']])('refuses %j', async (text) => {
    await expect(binary.predict(text as string)).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  });
});

describe('predictBatch', () => {
  test('gives each text what it would get alone, in order, over many runs of the model', async () => {
    // 6 steps a text: 2^15 ids a run are 5,461 texts
    const texts = Array.from({ length: 12_000 }, (_, i) => `w${1 + (i % 29)} w${1 + ((i * 7) % 29)} x`);
    const together = await binary.predictBatch(texts);
    expect(together).toHaveLength(texts.length);
    for (const index of [0, 1, 5460, 5461, 5462, 11_999]) {
      const alone = await binary.predict(texts[index] as string);
      expect(together[index]?.label).toBe(alone.label);
      // a row may differ in its last bits with the size of the batch
      expect(together[index]?.probability).toBeCloseTo(alone.probability, 6);
    }
  });

  test('of nothing is nothing', async () => {
    expect(await binary.predictBatch([])).toEqual([]);
  });

  test.each([
    ['a number among the texts', ['w1', 7]],
    ['a hole', Array(2)],
    ['a text instead of an array', 'w1 w2'],
    ['nothing', undefined],
  ])('refuses %s', async (_, texts) => {
    await expect(binary.predictBatch(texts as string[])).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  });
});

describe('predictIds', () => {
  test('gives logits and probabilities, [rows, outputs]', async () => {
    const { logits, probabilities } = await ternary.predictIds(Int32Array.of(1, 2, 3, 4), 2, 2);
    expect([logits.length, probabilities.length]).toEqual([6, 6]);
    const expected = referenceForward(classes, Int32Array.of(1, 2, 3, 4), 2, 2);
    for (const [i, p] of expected.probabilities.entries()) {
      expect(Math.abs((probabilities[i] as number) - p)).toBeLessThan(tolerance);
    }
  });

  test('of more rows than go through the model at a time gives each row its own', async () => {
    const rows = 6000;
    const ids = Int32Array.from({ length: rows * 6 }, (_, i) => (i * 7) % 30);
    const { logits, probabilities } = await ternary.predictIds(ids, rows, 6);
    const expected = referenceForward(classes, ids, rows, 6);
    for (const [i, logit] of expected.logits.entries()) {
      const error =
        Math.abs((logits[i] as number) - logit) +
        Math.abs((probabilities[i] as number) - (expected.probabilities[i] as number));
      if (!(error < tolerance)) expect.fail(`row ${Math.floor(i / 3)} is off by ${error}`);
    }
  });

  test.each<[string, Int32Array, number, number]>([
    ['an id below 0', Int32Array.of(1, -1), 1, 2],
    ['an id of the vocabulary size', Int32Array.of(1, 30), 1, 2],
    ['no rows', new Int32Array(), 0, 2],
    ['no time', new Int32Array(), 2, 0],
    ['a negative size', Int32Array.of(1, 2), -1, -2],
    ['a size that is no whole number', Int32Array.of(1, 2), 0.5, 4],
    ['too few ids', Int32Array.of(1, 2), 1, 3],
    ['too many ids', Int32Array.of(1, 2), 1, 1],
    ['ids in another array', [1, 2] as unknown as Int32Array, 1, 2],
    ['ids as real numbers', Float32Array.of(1, 2) as unknown as Int32Array, 1, 2],
  ])('refuses %s', async (_, ids, rows, time) => {
    await expect(binary.predictIds(ids, rows, time)).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  });

  test('names the place of a bad id', async () => {
    await expect(binary.predictIds(Int32Array.of(1, 2, 3, 99), 2, 2)).rejects.toThrow('id 99 at row 1, step 1');
  });

  test('does not mind its array being reused at once', async () => {
    const ids = Int32Array.of(1, 2, 3);
    const before = await binary.predictIds(ids, 1, 3);
    const running = binary.predictIds(ids, 1, 3);
    ids.fill(9);
    expect(await running).toEqual(before);
  });

  test('any numbers at all give an answer or a typed error, never a dead process', async () => {
    const sizes = fc.oneof(fc.integer({ min: -2, max: 4 }), fc.double());
    await fc.assert(
      fc.asyncProperty(fc.int32Array({ min: -3, max: 40, maxLength: 8 }), sizes, sizes, async (ids, rows, time) => {
        const valid =
          Number.isInteger(rows) &&
          rows > 0 &&
          time > 0 &&
          rows * time === ids.length &&
          ids.every((id) => id >= 0 && id < 30);
        const outcome = binary.predictIds(ids, rows, time);
        if (valid) expect((await outcome).logits).toHaveLength(rows);
        else await expect(outcome).rejects.toMatchObject({ code: 'INPUT_INVALID' });
      }),
      { numRuns: 300 },
    );
  });
});

describe('dispose', () => {
  test('waits for what is running, can be called twice, and ends all use', async () => {
    const classifier = await loadClassifier(exportOnnx(model), { providers: 'cpu' });
    const running = classifier.predictBatch(Array<string>(8000).fill('w1 w2 w3'));
    let ended = false;
    void running.then(() => {
      ended = true;
    });
    await Promise.all([classifier.dispose(), classifier.dispose()]);
    expect(ended).toBe(true);
    expect(await running).toHaveLength(8000);
    await classifier.dispose();
    const disposed = { code: 'DISPOSED' };
    await expect(classifier.predict('w1')).rejects.toMatchObject(disposed);
    await expect(classifier.predictBatch([])).rejects.toMatchObject(disposed);
    await expect(classifier.predictIds(Int32Array.of(1), 1, 1)).rejects.toMatchObject(disposed);
    await expect(classifier.placement()).rejects.toMatchObject(disposed);
  });

  test('does not wait for ever on a prediction that fails', async () => {
    const classifier = await loadClassifier(exportOnnx(model), { providers: 'cpu' });
    const failing = expect(classifier.predictIds(Int32Array.of(99), 1, 1)).rejects.toMatchObject({
      code: 'INPUT_INVALID',
    });
    await classifier.dispose();
    await failing;
  });
});

describe('loadClassifier', () => {
  test('reads a file, and keeps what it says of itself', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'classifier-'));
    const path = join(folder, 'model.onnx');
    await writeFile(path, exportOnnx(model));
    const classifier = await loadClassifier(path, { providers: 'cpu', threads: 1 });
    await rm(folder, { recursive: true });
    expect(classifier).toMatchObject({ labels: ['ham', 'spam'], spec: model.spec, preprocessing: model.preprocessing });
    expect(classifier.providers).toEqual(['cpu']);
    expect(await classifier.predict('w1 w2')).toEqual(await binary.predict('w1 w2'));
    expect((await classifier.placement()).map(({ op }) => op)).toContain('LSTM');
    await classifier.dispose();
  });

  test.each([
    ['a Uint8Array', exportOnnx(model)],
    ['a Buffer', Buffer.from(exportOnnx(model))],
  ])('does not mind its bytes being reused: %s', async (_, bytes) => {
    const classifier = await loadClassifier(bytes, { providers: 'cpu' });
    bytes.fill(0);
    expect((await classifier.placement()).length).toBeGreaterThan(0);
    await classifier.dispose();
  });

  test('refuses an option that it does not have', async () => {
    const misspelt = { provider: 'cpu' } as object;
    await expect(loadClassifier(exportOnnx(model), misspelt)).rejects.toMatchObject({ code: 'OPTION_UNKNOWN' });
    expect(() => exportOnnx(model, misspelt)).toThrow(expect.objectContaining({ code: 'OPTION_UNKNOWN' }));
  });

  test.each([undefined, null, 7, new ArrayBuffer(8), ['model.onnx']])('refuses %s for a model', async (source) => {
    await expect(loadClassifier(source as unknown as string)).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  });

  test('refuses a file that is not there', async () => {
    await expect(loadClassifier('no/such/model.onnx')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });

  test('refuses a graph that does not fit its metadata', async () => {
    const other = modelOf([embedding, { type: 'lstm', units: 5 }, { type: 'dense', units: 3 }]);
    const { decodeOnnx } = await import('../../exporters/onnx/decode.ts');
    const { encodeOnnx } = await import('../../exporters/onnx/encode.ts');
    const mixed = encodeOnnx({
      ...decodeOnnx(exportOnnx(model)),
      metadata: decodeOnnx(exportOnnx(other)).metadata,
    });
    await expect(loadClassifier(mixed, { providers: 'cpu' })).rejects.toMatchObject({ code: 'ONNX_INVALID' });
  });
});

describe('predictionOf', () => {
  const counts = { words: 0, knownWords: 0 };
  test('a probability of exactly one half is class 0, as is the first of equals', () => {
    expect(predictionOf(['a', 'b'], Float32Array.of(0.5), counts).label).toBe('a');
    expect(predictionOf(['a', 'b', 'c'], Float32Array.of(0.2, 0.4, 0.4), counts).label).toBe('b');
  });

  test('labels with the names of inherited properties keep their scores', () => {
    const { scores } = predictionOf(['__proto__', 'constructor'], Float32Array.of(0.25), counts);
    expect(Object.entries(scores)).toEqual([
      ['__proto__', 0.75],
      ['constructor', 0.25],
    ]);
  });
});

describe('a signal', () => {
  test.each([
    ['predict', (signal: AbortSignal) => binary.predict('w1', { signal })],
    ['predictBatch', (signal: AbortSignal) => binary.predictBatch(['w1', 'w2'], { signal })],
    ['predictIds', (signal: AbortSignal) => binary.predictIds(new Int32Array(6), 1, 6, { signal })],
    ['predictIds, in parts', (signal: AbortSignal) => binary.predictIds(new Int32Array(36_000), 6000, 6, { signal })],
    ['explain', (signal: AbortSignal) => binary.explain('w1 w2', { signal })],
  ] as const)('ends %s before it begins and while it waits', async (_, call) => {
    await expect(call(AbortSignal.abort())).rejects.toMatchObject({ code: 'INTERRUPTED' });
    const controller = new AbortController();
    const [mine, others] = [call(controller.signal), binary.predict('w3')];
    controller.abort();
    await expect(mine).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(await others).toEqual(await binary.predict('w3'));
  });

  test.each([
    ['in this process', {}],
    ['in a child', { isolation: 'process' }],
  ] as const)('ends loading %s before it begins and while it goes on', async (_, isolation) => {
    const load = (source: string | Uint8Array, signal: AbortSignal) =>
      loadClassifier(source, { providers: 'cpu', ...isolation, signal });
    const file = exportOnnx(model);
    const refused = { code: 'INTERRUPTED', message: 'loading was aborted', cause: 'why' };
    await expect(load(file, AbortSignal.abort('why'))).rejects.toMatchObject(refused);
    const controller = new AbortController();
    const loading = load(file, controller.signal);
    controller.abort('why');
    await expect(loading).rejects.toMatchObject(refused);

    const late = new AbortController();
    const classifier = await load(file, late.signal);
    late.abort();
    expect((await classifier.predict('w1')).words).toBe(1);
    await classifier.dispose();
    const missing = load('no/such/model.onnx', new AbortController().signal);
    await expect(missing).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    // The child of the load that was given up ends, too.
    await expect.poll(processesOfModels).toEqual([]);
  });

  test('ends the transfer of a file to a browser', async () => {
    const server = createServer((_, response) => response.write('a part')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const controller = new AbortController();
    const loading = loadInBrowser(`http://127.0.0.1:${port}/`, { signal: controller.signal });
    const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
    controller.abort();
    await expect(loading).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await once(response, 'close');
    server.close();
  });

  test('ends predictStream while its source gives nothing', async () => {
    const controller = new AbortController();
    async function* source() {
      yield 'w1';
      await new Promise(() => {});
    }
    const stream = binary.predictStream(source(), { signal: controller.signal });
    expect((await stream.next()).value).toEqual(await binary.predict('w1'));
    const next = stream.next();
    controller.abort();
    await expect(next).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});
