import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import type { Tensor, Weights } from '../../models/weights.ts';
import { type ParityOptions, runParity } from '../../src/parity/matrix.ts';
import { assertParity, type PairReport, type ParityReport } from '../../src/parity/report.ts';
import type { Outputs, Runner, Subject } from '../../src/parity/runner.ts';
import { runners } from '../../src/parity/runners.ts';
import { measureSensitivity } from '../../src/parity/sensitivity.ts';
import { specOf, subjectOf } from '../contract/runner.ts';
import { randomBatch, randomWeights } from '../support/arbitrary-spec.ts';
import { watershed, watershedOf } from './watershed.ts';

const spec = specOf(
  { type: 'embedding', inputDim: 50, outputDim: 4 },
  { type: 'lstm', units: 4 },
  { type: 'dense', units: 1, activation: 'sigmoid' },
);
const weights = randomWeights(spec, 2);
const subject = subjectOf(spec, weights);
const [rows, time] = [40, 8];
/** Each row begins with its own id, so that a row can be told by its ids. */
const ids = randomBatch(spec, rows, time, 2).ids.map((id, index) => (index % time === 0 ? 1 + index / time : id));

function check(options: Partial<ParityOptions> = {}): Promise<ParityReport> {
  return runParity({ subject, ids, rows, time, ...options });
}

/** A real runner that computes another subject than it is given. */
function computing(runner: Runner, other: Subject): Runner {
  return { ...runner, open: () => runner.open(other) };
}

/** A real runner whose outputs are changed on the way out. */
function altered(runner: Runner, alter: (outputs: Outputs, ids: Int32Array) => Outputs): Runner {
  return {
    ...runner,
    async open(given) {
      const session = await runner.open(given);
      return { ...session, run: async (batch, ...sizes) => alter(await session.run(batch, ...sizes), batch) };
    },
  };
}

function withWeight(name: string, change: (tensor: Tensor) => Float32Array): Weights {
  const tensor = weights.get(name) as Tensor;
  return new Map([...weights, [name, { ...tensor, data: change(tensor) }]]);
}

/** An LSTM kernel [features, 4 · units] with the columns of the forget and the cell gate exchanged. */
function exchangeGates({ shape, data }: Tensor): Float32Array {
  const width = shape[1] as number;
  const units = width / 4;
  const source = (column: number): number => {
    const gate = Math.floor(column / units);
    return column + (gate === 1 ? units : gate === 2 ? -units : 0);
  };
  return data.map((_, index) => {
    const column = index % width;
    return data[index - column + source(column)] as number;
  });
}

function failing(report: ParityReport): string[] {
  return report.pairs.filter(({ passed }) => !passed).map(({ norm, other }) => `${norm}–${other}`);
}

function pairOf(report: ParityReport, norm: string, other: string): PairReport {
  return report.pairs.find((pair) => pair.norm === norm && pair.other === other) as PairReport;
}

describe('runParity', () => {
  test('compares every runner with every other, the reference first', async () => {
    const report = await check({ runners: [runners.js, runners.onnxruntime, runners.reference] });
    expect(report.pairs.map(({ norm, other }) => `${norm}–${other}`)).toEqual([
      'reference–js',
      'reference–onnxruntime',
      'js–onnxruntime',
    ]);
  });

  test('finds all runners equal, in figures that are ready for JSON', async () => {
    const report = await check();
    const count = Object.keys(runners).length;
    expect(report.pairs).toHaveLength((count * (count - 1)) / 2);
    expect(report).toMatchObject({ passed: true, examples: 40, flips: 0, ties: 0 });
    expect(report.maxAbsError).toBeGreaterThan(0);
    expect(report.maxAbsError).toBe(
      Math.max(...report.pairs.slice(0, count - 1).map(({ maxAbsError }) => maxAbsError)),
    );
    expect(report.smallestMargin).toBeGreaterThan(0);
    expect(Object.keys(report.tolerances)).toEqual(['float32']);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(() => assertParity(report)).not.toThrow();
  });

  test('gives the margin and errors that follow from the outputs themselves', async () => {
    const [reference, js] = await Promise.all(
      [runners.reference, runners.js].map(async (runner) => (await runner.open(subject)).run(ids, rows, time)),
    );
    const report = await check({ runners: [runners.reference, runners.js] });
    const norm = (reference as Outputs).probabilities;
    const errors = Array.from(norm, (p, row) => Math.abs(p - ((js as Outputs).probabilities[row] as number)));
    expect(report.smallestMargin).toBe(Math.min(...Array.from(norm, (p) => Math.abs(p - 0.5))));
    expect(report.maxAbsError).toBe(Math.max(...errors));
    expect(pairOf(report, 'reference', 'js').maxAbsErrorRow).toBe(errors.indexOf(report.maxAbsError));
  });

  test('catches a wrong gate order, and all pairs point at the runner', async () => {
    const model = { ...subject.model, weights: withWeight('lstm/kernel', exchangeGates) };
    const wrong = computing(runners.js, { ...subject, model });
    const report = await check({ runners: [runners.reference, wrong, runners.tensorflow, runners.onnxruntime] });
    expect(report.passed).toBe(false);
    expect(failing(report)).toEqual(['reference–js', 'js–tensorflow', 'js–onnxruntime']);
    expect(() => assertParity(report)).toThrow(
      expect.objectContaining({
        code: 'PARITY_FAILED',
        message: expect.stringMatching(/^reference and js: .*rows over tolerance.*rows \d+/),
        hint: expect.stringContaining('docs/parity.md'),
      }),
    );
  });

  test('catches one weight of the exported file that is off by a thousandth', async () => {
    const bumped = withWeight('dense/kernel', ({ data }) => data.map((value, i) => (i === 0 ? value + 1e-3 : value)));
    const onnx = exportOnnx({ ...subject.model, weights: bumped });
    const report = await check({ subject: { ...subject, onnx } });
    expect(failing(report)).toEqual([
      'reference–onnxruntime',
      'reference–onnxruntime-web',
      'js–onnxruntime',
      'js–onnxruntime-web',
      'wasm–onnxruntime',
      'wasm–onnxruntime-web',
      'tensorflow–onnxruntime',
      'tensorflow–onnxruntime-web',
    ]);
  });

  test.each<[string, Partial<Subject['model']>]>([
    ['labels', { labels: ['class 1', 'class 0'] }],
    ['vocabulary', { vocabulary: subject.model.vocabulary.toReversed() }],
    ['preprocessing', { preprocessing: { ...subject.model.preprocessing, truncating: 'post' } }],
    ['spec', { spec: { ...spec, name: 'other' } }],
  ])('fails for a file with the same weights and another %s, which no number shows', async (part, change) => {
    const onnx = exportOnnx({ ...subject.model, ...change });
    await expect(check({ subject: { ...subject, onnx }, runners: [runners.reference, runners.js] })).rejects.toEqual(
      expect.objectContaining({
        code: 'PARITY_FAILED',
        message: `the ONNX file and the model differ in their ${part}`,
      }),
    );
  });

  test('says by its digest which file was compared', async () => {
    const { onnxSha256 } = await check({ runners: [runners.reference, runners.onnxruntime] });
    expect(onnxSha256).toBe(createHash('sha256').update(subject.onnx).digest('hex'));
    expect((await check({ runners: [runners.reference, runners.js] })).onnxSha256).toBeNull();
  });

  test('fails on NaN in one row, without letting it into the figures', async () => {
    const target = Array.from(ids.subarray(13 * time, 14 * time)).join();
    const alter = ({ logits, probabilities }: Outputs, batch: Int32Array): Outputs => ({
      logits,
      probabilities: probabilities.map((p, row) => (rowText(batch, row) === target ? Number.NaN : p)),
    });
    const report = await check({ runners: [runners.reference, altered(runners.js, alter)] });
    expect(report).toMatchObject({ passed: false, flips: 0 });
    expect(pairOf(report, 'reference', 'js')).toMatchObject({ notFinite: 1, failingRows: [13], overTolerance: 0 });
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(() => assertParity(report)).toThrow(/1 rows with NaN or an infinity; rows 13$/);
  });

  test('counts a flipped row once, names it as it was given, and fails', async () => {
    const target = rowText(ids, 29);
    const flip = ({ logits, probabilities }: Outputs, batch: Int32Array): Outputs => ({
      logits,
      probabilities: probabilities.map((p, row) => (rowText(batch, row) === target ? 1 - p : p)),
    });
    const report = await check({ runners: [runners.reference, runners.js, altered(runners.onnxruntime, flip)] });
    expect(report).toMatchObject({ passed: false, flips: 1, ties: 0 });
    expect(report.pairs.map(({ flips }) => flips)).toEqual([0, 1, 1]);
    expect(pairOf(report, 'js', 'onnxruntime')).toMatchObject({ failingRows: [29], maxAbsErrorRow: 29 });
  });

  test('lets a tie pass, counted and shown', async () => {
    // All weights 0 but the bias: every row has the same logit, a hair above 0, which rounds to one half in float32.
    const flat = new Map([...weights].map(([name, tensor]) => [name, { ...tensor, data: tensor.data.map(() => 0) }]));
    flat.set('dense/bias', { shape: [1], data: Float32Array.of(1e-8) });
    const report = await check({ subject: subjectOf(spec, flat), runners: [runners.reference, runners.js] });
    expect(report).toMatchObject({ passed: true, flips: 0, ties: 40 });
    expect(report.smallestMargin).toBeCloseTo(2.5e-9, 12);
    expect(pairOf(report, 'reference', 'js')).toMatchObject({ ties: 40, tiedRows: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] });
    expect(() => assertParity(report)).not.toThrow();
  });

  test.each([
    ['passes an error of a row that its weights do not determine', watershed.sensitiveRow, 1e-4, true],
    ['fails a larger one', watershed.sensitiveRow, 1e-2, false],
    ['fails the same error of any other row', 1, 1e-4, false],
  ])('%s', async (_, row, error, passes) => {
    const { ids: given, time: steps, sensitiveRow } = watershed;
    const target = given.subarray(row * steps, (row + 1) * steps).join();
    const add = (values: Outputs['logits'], batch: Int32Array, by: number) =>
      values.map((value, i) => value + (batch.subarray(i * steps, (i + 1) * steps).join() === target ? by : 0));
    const off = altered(runners.js, ({ logits, probabilities }, batch) => ({
      logits: add(logits, batch, error),
      probabilities: add(probabilities, batch, 0.235 * error), // σ′(−0.5) = 0.235
    }));
    const report = await runParity({ ...watershed, runners: [runners.reference, off, runners.onnxruntime] });
    expect(report.passed).toBe(passes);
    expect(report.sensitive.map((entry) => entry.row)).toEqual(passes ? [sensitiveRow] : []);
    for (const { logit } of report.sensitive) expect(logit).toBeGreaterThan(error);
    expect(pairOf(report, 'reference', 'js')).toMatchObject({
      sensitive: passes ? 1 : 0,
      overTolerance: passes ? 0 : 1,
      failingRows: passes ? [] : [row],
      maxAbsErrorRow: row,
    });
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  test.each([8, 64, 512])(
    'looks again with %d draws where fewer leave an error unexplained, and no further',
    async (draws) => {
      const wide = watershedOf(16); // many signs: the more draws, the larger the largest sum
      const { ids: given, time: steps, sensitiveRow, model } = wide;
      const row = given.subarray(sensitiveRow * steps, (sensitiveRow + 1) * steps);
      const target = row.join();
      const largest = async (count: number) => (await measureSensitivity(model, row, 1, steps, count))[0]?.logit ?? 0;
      const [before, found] = [draws > 8 ? await largest(draws / 8) : 1e-4, await largest(draws)];
      expect(found).toBeGreaterThan(1.05 * before);
      const report = (error: number) => {
        const off = altered(runners.js, ({ logits, probabilities }, batch) => ({
          logits: logits.map((x, i) => x + (batch.subarray(i * steps, (i + 1) * steps).join() === target ? error : 0)),
          probabilities,
        }));
        return runParity({ ...wide, runners: [runners.reference, off] });
      };
      expect(await report(0.99 * found)).toMatchObject({ passed: true, sensitive: [{ logit: found }] });
      expect((await report(1.01 * (await largest(512)))).passed).toBe(false);
    },
  );

  test('lets two runners be off to opposite sides where a row is sensitive', async () => {
    const { ids: given, time: steps, sensitiveRow } = watershed;
    const target = given.subarray(sensitiveRow * steps, (sensitiveRow + 1) * steps).join();
    const off = (runner: Runner, by: number) =>
      altered(runner, ({ logits, probabilities }, batch) => ({
        logits: logits.map((x, i) => x + (batch.subarray(i * steps, (i + 1) * steps).join() === target ? by : 0)),
        probabilities,
      }));
    const both = [off(runners.js, 1.5e-3), off(runners.onnxruntime, -1.5e-3)];
    expect(await runParity({ ...watershed, runners: [runners.reference, ...both] })).toMatchObject({ passed: true });
  });

  test('shows a slow runner a sample that is the same each time and part of any larger one', async () => {
    async function seenBy(count: number): Promise<string[]> {
      const seen: string[] = [];
      const spied = altered(runners.tensorflow, (outputs, batch) => {
        for (let row = 0; row < batch.length / time; row++) seen.push(rowText(batch, row));
        return outputs;
      });
      const report = await check({ runners: [runners.reference, spied, runners.js], samples: { tensorflow: count } });
      expect(report.examples).toBe(40);
      expect(report.pairs.map(({ examples }) => examples)).toEqual([count, 40, count].map((n) => Math.min(n, 40)));
      expect(report.runners.map((runner) => 'examples' in runner && runner.examples)).toEqual([
        40,
        Math.min(count, 40),
        40,
      ]);
      return seen;
    }
    const five = await seenBy(5);
    expect(new Set(five).size).toBe(5);
    expect((await seenBy(12)).slice(0, 5)).toEqual(five);
    expect((await seenBy(1000)).slice(0, 5)).toEqual(five);
    expect(five).not.toEqual([0, 1, 2, 3, 4].map((row) => rowText(ids, row)));
  });

  test('gives the same numbers for any batch size', async () => {
    const chosen = { runners: [runners.reference, runners.js] };
    const plain = ({ pairs }: ParityReport) => pairs;
    expect(plain(await check({ ...chosen, batchSize: 7 }))).toEqual(plain(await check({ ...chosen, batchSize: 64 })));
  });

  test('lists a runner that cannot run with its reason, and goes on', async () => {
    const absent: Runner = { ...runners.tensorflow, refusal: async () => 'not installed. Run: npm install x' };
    const report = await check({ runners: [runners.reference, absent, runners.js] });
    expect(report.runners.at(-1)).toEqual({ name: 'tensorflow', skipped: 'not installed. Run: npm install x' });
    expect(report.pairs).toHaveLength(1);
    await expect(check({ runners: [runners.reference, absent] })).rejects.toMatchObject({
      code: 'ENGINE_MISSING',
      message: expect.stringContaining('tensorflow: not installed'),
    });
  });

  test.each<[string, string, Partial<ParityOptions>]>([
    ['no reference', 'OPTION_INVALID', { runners: [runners.js, runners.onnxruntime] }],
    ['a runner twice', 'OPTION_INVALID', { runners: [runners.reference, runners.js, runners.js] }],
    ['an empty batch', 'OPTION_INVALID', { batchSize: 0 }],
    ['an empty sample', 'OPTION_INVALID', { samples: { js: 0 } }],
    ['no rows', 'INPUT_INVALID', { ids: new Int32Array(0), rows: 0 }],
    ['ids of another shape', 'INPUT_INVALID', { rows: 41 }],
    ['an id outside the vocabulary', 'INPUT_INVALID', { ids: ids.with(7, 50) }],
  ])('refuses %s', async (_, code, options) => {
    await expect(check(options)).rejects.toMatchObject({ code });
  });

  test.each([
    ['too few', -1],
    ['too many', 1],
  ])('refuses a runner that gives %s numbers', async (_, more) => {
    const alter = ({ logits, probabilities }: Outputs): Outputs => ({
      logits,
      probabilities: Float64Array.from({ length: probabilities.length + more }),
    });
    await expect(check({ runners: [runners.reference, altered(runners.js, alter)] })).rejects.toMatchObject({
      code: 'RUNTIME_FAILED',
      message: expect.stringContaining('js gave'),
    });
  });

  test('tells its progress, stops at a signal and closes the session', async () => {
    const told: string[] = [];
    const controller = new AbortController();
    let disposed = 0;
    const watched: Runner = {
      ...runners.js,
      async open(given) {
        const session = await runners.js.open(given);
        const dispose = () => {
          disposed++;
          return session.dispose();
        };
        return { ...session, dispose };
      },
    };
    const work = check({
      runners: [runners.reference, watched],
      batchSize: 16,
      signal: controller.signal,
      progress: {
        start: (stage, total) => told.push(`${stage} of ${total}`),
        update: (done) => {
          told.push(`${done}`);
          if (told.length === 7) controller.abort();
        },
        stop: () => told.push('stop'),
      },
    });
    await expect(work).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(told).toEqual(['parity: reference of 40', '16', '32', '40', 'stop', 'parity: js of 40', '16', 'stop']);
    expect(disposed).toBe(1);
  });
});

function rowText(batch: Int32Array, row: number): string {
  return batch.subarray(row * time, (row + 1) * time).join();
}
