/** Runs of the chapter on a few made reviews: what they give, what is kept, what is begun anew. */
import { copyFile, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCheckpoint } from '../../models/checkpoint/checkpoint.ts';
import type { ChapterResults } from '../../src/chapter/chapter.ts';
import { csvFiles } from '../../src/chapter/csv.ts';
import { outcomeFile } from '../../src/chapter/outcome.ts';
import type { Dataset } from '../../src/data/dataset.ts';
import { partOf } from '../../src/data/part.ts';
import { evaluate } from '../../src/training/evaluate.ts';
import { loadMadeReviews, smallChapter } from '../support/chapter.ts';

let folder: string;
let data: Dataset;
let results: ChapterResults;
const runFolder = (model: string, seed: number) => join(folder, 'out', 'runs', model, `seed-${seed}`);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recurrent-chapter-'));
  data = await loadMadeReviews(folder);
  results = await smallChapter(data, join(folder, 'out'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a chapter', () => {
  it('has the runs of all models and seeds, by model', () => {
    expect(results.runs.map(({ model, seed }) => `${model} ${seed}`)).toEqual([
      'simple-rnn-onehot 0',
      'simple-rnn-onehot 1',
      'gru-dropout 0',
      'gru-dropout 1',
    ]);
    for (const run of results.runs) {
      expect(run.history.length).toBe(3);
      expect(run.epochSeconds.every((seconds) => seconds !== null && seconds > 0)).toBe(true);
      expect(run.parity).toMatchObject({ passed: true, flips: 0, texts: 10 });
      expect(run.parity.runners.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['reference', 'onnxruntime', 'wasm']),
      );
      expect(run.onnx.accuracy).toBe(run.test.accuracy);
      expect(run.onnx.loss).toBeCloseTo(run.test.loss, 5);
      expect(run.validation.loss).toBe(
        Math.min(...run.history.map(({ validationLoss }) => validationLoss ?? Number.NaN)),
      );
    }
    expect(results.runs[0]?.history).not.toEqual(results.runs[1]?.history);
  });

  it('judges the checkpoint that lies in the folder', async () => {
    const { model } = await loadCheckpoint(join(runFolder('gru-dropout', 1), 'best.safetensors'));
    const { test } = data.recipe?.parts ?? {};
    const { accuracy, loss, confusion } = await evaluate(model, partOf(data, test ?? new Int32Array()));
    expect(results.runs[3]?.test).toMatchObject({ accuracy, loss, confusion });
  });

  it('leaves the files of each run', async () => {
    expect((await readdir(runFolder('simple-rnn-onehot', 0))).sort()).toEqual(
      ['best.safetensors', 'history.csv', 'last.safetensors', 'loss.svg', 'model.onnx', 'outcome.json'].sort(),
    );
  });

  it('takes finished runs as they are, and computes the others only', async () => {
    await rm(outcomeFile(runFolder('gru-dropout', 0)));
    await writeFile(outcomeFile(runFolder('gru-dropout', 1)), '{"version":"0.1');
    const before = await stat(join(runFolder('simple-rnn-onehot', 0), 'model.onnx'));
    const again = await smallChapter(data, join(folder, 'out'));
    expect(again.keptRuns).toBe(2);
    expect((await stat(join(runFolder('simple-rnn-onehot', 0), 'model.onnx'))).mtimeMs).toBe(before.mtimeMs);
    for (const [index, run] of again.runs.entries()) {
      expect({ ...run.test, ...run.validation }).toEqual({
        ...results.runs[index]?.test,
        ...results.runs[index]?.validation,
      });
      expect(run.history).toEqual(results.runs[index]?.history);
    }
    // Training was not repeated, so there are no times of its epochs.
    expect(again.runs[2]?.epochSeconds).toEqual([null, null, null]);
  });

  it('judges a run anew whose models are not those of its outcome', async () => {
    const onnx = (seed: number) => join(runFolder('simple-rnn-onehot', seed), 'model.onnx');
    await copyFile(onnx(1), onnx(0));
    await rm(onnx(1));
    const again = await smallChapter(data, join(folder, 'out'), { models: ['simple-rnn-onehot'] });
    expect(again.keptRuns).toBe(0);
    expect(again.runs.map(({ onnx: { loss } }) => loss)).toEqual(
      results.runs.slice(0, 2).map(({ onnx: { loss } }) => loss),
    );
  });

  it('goes on with a run that may have more epochs, and compares anew for another sample', async () => {
    const models = ['simple-rnn-onehot'] as const;
    const more = await smallChapter(data, join(folder, 'out'), {
      models,
      seeds: [0],
      training: { epochs: 4 },
      parityTexts: 12,
    });
    expect(more.keptRuns).toBe(0);
    expect(more.runs[0]?.history.slice(0, 3)).toEqual(results.runs[0]?.history);
    expect(more.runs[0]?.history.length).toBe(4);
    expect(more.runs[0]?.parity.texts).toBe(12);
  });

  it('refuses an engine that the run did not begin with, and takes it with overwrite', async () => {
    const other = { models: ['gru-dropout'], seeds: [0], training: { epochs: 3, engine: 'js' } } as const;
    await expect(smallChapter(data, join(folder, 'out'), other)).rejects.toMatchObject({ code: 'RESUME_MISMATCH' });
    const anew = await smallChapter(data, join(folder, 'out'), { ...other, overwrite: true });
    expect(anew.runs[0]?.engine.name).toBe('js');
  });

  it('stops between steps, and the same call goes on', async () => {
    const out = join(folder, 'stopped');
    const controller = new AbortController();
    const onRun = ({ number }: { readonly number: number }, finished?: object) => {
      if (number === 2 && !finished) controller.abort();
    };
    await expect(smallChapter(data, out, { onRun, signal: controller.signal })).rejects.toMatchObject({
      code: 'INTERRUPTED',
    });
    const whole = await smallChapter(data, out);
    expect(whole.keptRuns).toBe(1);
    expect(whole.runs.map(({ history }) => history)).toEqual(results.runs.map(({ history }) => history));
  });

  it('is refused for data that lay down no parts', async () => {
    const { recipe: _, ...plain } = data;
    await expect(smallChapter(plain, join(folder, 'plain'))).rejects.toMatchObject({ code: 'OPTION_UNSUPPORTED' });
  });
});

it('the tables have a row a run, an epoch, a model, a runner', () => {
  const files = csvFiles(results);
  const rows = (name: string) => (files[name] ?? '').trimEnd().split('\n').length - 1;
  expect(Object.keys(files).sort()).toEqual(['epochs.csv', 'lengths.csv', 'models.csv', 'parity.csv', 'runs.csv']);
  expect([rows('runs.csv'), rows('epochs.csv'), rows('models.csv')]).toEqual([4, 12, 2]);
  expect(rows('parity.csv')).toBe(results.runs.reduce((sum, { parity }) => sum + parity.runners.length, 0));
  expect(files['epochs.csv']).toMatch(
    /^model,seed,epoch,learningRate,loss,accuracy,.*validationLoss,validationAccuracy,.*seconds\n/,
  );
});
