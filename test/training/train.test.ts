import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadCheckpoint, saveCheckpoint } from '../../models/checkpoint/checkpoint.ts';
import type { SpecInput } from '../../models/layers.ts';
import { parseSpec } from '../../models/spec.ts';
import { createRandom } from '../../src/core/random.ts';
import type { Dataset, Example } from '../../src/data/dataset.ts';
import { evaluate } from '../../src/training/evaluate.ts';
import { type TrainOptions, train } from '../../src/training/train.ts';

const root = mkdtempSync(join(tmpdir(), 'train-'));
afterAll(() => rmSync(root, { recursive: true }));

/** Sentences whose class is told by one word of each, among filler words, at a random place. */
function sentences(telling: readonly string[], count: number): Dataset {
  const random = createRandom({ seed: 5, purpose: 'shuffle' });
  const examples = Array.from({ length: count }, (_, index) => {
    const label = index % telling.length;
    const words = Array.from({ length: 6 }, () => `w${random.below(40)}`);
    words.splice(random.below(7), 0, telling[label] as string);
    return { id: `s${index}`, text: `${words.join(' ')} n${index}`, label };
  });
  return { source: 'sentences', labels: telling.map((word) => `is-${word}`), examples, notes: [] };
}

const data = sentences(['bad', 'good'], 120);

function small({ vocabularySize, classes }: { vocabularySize: number; classes: number }): SpecInput {
  return {
    version: 1,
    name: 'small',
    layers: [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 6 },
      { type: 'lstm', units: 6, dropout: 0.2 },
      classes > 2
        ? { type: 'dense', units: classes, activation: 'softmax' }
        : { type: 'dense', units: 1, activation: 'sigmoid' },
    ],
  };
}

const options: TrainOptions = {
  spec: small,
  data,
  maxLength: 10,
  vocabularySize: 60,
  batchSize: 16,
  learningRate: 0.02,
  epochs: 6,
  seed: 1,
};

const part = (indices: Int32Array) => ({
  labels: data.labels,
  examples: Array.from(indices, (index) => data.examples[index] as Example),
});

const indexOfHighest = (values: readonly (number | null)[]) => values.indexOf(Math.max(...values.map(Number)));

const codeOf = (given: Partial<TrainOptions>) =>
  train({ ...options, ...given }).then(
    () => 'accepted',
    (error: { code: string }) => error.code,
  );

describe('train', () => {
  it('learns, and gives a model that can be evaluated on its held-out part', async () => {
    const result = await train({ ...options, epochs: 25, patience: 25 });
    const test = {
      labels: data.labels,
      examples: Array.from(result.split.test, (index) => data.examples[index] as never),
    };
    const report = await evaluate(result.model, test);
    expect(report.examples).toBe(24);
    expect(report.accuracy).toBeGreaterThan(0.9);
    expect(report.confusion.flat().reduce((sum, count) => sum + count, 0)).toBe(24);
    expect(result.history.at(-1)?.loss).toBeLessThan((result.history[0]?.loss ?? 0) / 2);
    expect(result.engine.note).toMatch(/^engine wasm/);
  });

  it('takes a spec as it is written, defaults left out, as well as parsed', async () => {
    const written = small({ vocabularySize: 60, classes: 2 });
    const { vocabularySize: _, ...rest } = options;
    const trainOn = (spec: TrainOptions['spec']) => train({ ...rest, spec, epochs: 1 });
    const [raw, parsed] = [await trainOn(written), await trainOn(parseSpec(written))];
    expect(raw.model).toEqual(parsed.model);
    await expect(trainOn({ ...written, layers: [] })).rejects.toMatchObject({ code: 'SPEC_INVALID' });
  });

  it('learns three classes', async () => {
    const three = sentences(['red', 'green', 'blue'], 180);
    const result = await train({ ...options, data: three, epochs: 30, patience: 30 });
    const { accuracy } = await evaluate(result.model, three);
    expect(accuracy).toBeGreaterThan(0.9);
  });

  it('says how probable each class is, in the order of the examples', async () => {
    for (const colours of [
      ['red', 'green'],
      ['red', 'green', 'blue'],
    ]) {
      const all = sentences(colours, 40);
      // of uneven length, and with a mask, which has them evaluated in another order
      const examples = all.examples.map((one, index) => ({
        ...one,
        text: one.text
          .split(' ')
          .slice(index % 7)
          .join(' '),
      }));
      const few = { ...all, examples };
      const spec = (sizes: { vocabularySize: number; classes: number }): SpecInput => {
        const [, ...layers] = small(sizes).layers;
        const embedding = { type: 'embedding', inputDim: sizes.vocabularySize, outputDim: 6, maskZero: true } as const;
        return { ...small(sizes), layers: [embedding, ...layers] };
      };
      const { model } = await train({ ...options, spec, data: few, epochs: 3 });
      const { probabilities, targets, loss } = await evaluate(model, few, { batchSize: 5 });
      expect([...targets]).toEqual(examples.map(({ label }) => label));
      const rows = examples.map((_, row) => probabilities.slice(row * colours.length, (row + 1) * colours.length));
      for (const [row, example] of examples.entries()) {
        const alone = await evaluate(model, { labels: few.labels, examples: [example] }, { engine: 'js' });
        for (const [label, p] of alone.probabilities.entries()) expect(rows[row]?.[label]).toBeCloseTo(p, 5);
        expect(rows[row]?.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 6);
      }
      const losses = rows.map((row, index) => -Math.log(row[targets[index] ?? 0] ?? 0));
      expect(losses.reduce((sum, one) => sum + one, 0) / rows.length).toBeCloseTo(loss, 5);
    }
  });

  it.each([
    [{ batchSize: 0 }, 'OPTION_INVALID'],
    [{ batchSize: 1.5 }, 'OPTION_INVALID'],
    [{ batchsize: 5 } as object, 'OPTION_UNKNOWN'],
    [{ engine: 'fastest' as 'js' }, 'OPTION_INVALID'],
  ])('refuses to evaluate with %o', async (given, code) => {
    const { model } = await train({ ...options, epochs: 1 });
    await expect(evaluate(model, data, given)).rejects.toMatchObject({ code });
  });

  it('gives the weights of the best epoch, and stops after patience', async () => {
    const result = await train({ ...options, learningRate: 0.3, epochs: 40, patience: 2 });
    const losses = result.history.map(({ validationLoss }) => validationLoss as number);
    expect(result.stoppedEarly).toBe(true);
    expect(result.bestEpoch).toBe(losses.indexOf(Math.min(...losses)) + 1);
    expect(losses.length).toBe(result.bestEpoch + 2);
    const held = part(result.split.validation);
    expect((await evaluate(result.model, held, { batchSize: 16 })).loss).toBeCloseTo(Math.min(...losses), 12);
  });

  it('writes the same bytes for one seed, others for another', async () => {
    const filesOf = async (name: string, seed: number) => {
      const out = join(root, name);
      await train({ ...options, out, seed });
      expect(readdirSync(out).sort()).toEqual(['best.safetensors', 'history.csv', 'last.safetensors']);
      return readdirSync(out).map((file) => readFileSync(join(out, file)).toString('base64'));
    };
    const first = await filesOf('a', 1);
    expect(await filesOf('b', 1)).toEqual(first);
    expect(await filesOf('c', 2)).not.toEqual(first);
  });

  it('goes on bit for bit after each epoch at which it was stopped', async () => {
    const whole = join(root, 'whole');
    await train({ ...options, out: whole });
    for (const stopAt of [1, 3, 5]) {
      const out = join(root, `stopped-${stopAt}`);
      const controller = new AbortController();
      const stopped = await train({
        ...options,
        out,
        signal: controller.signal,
        onEpoch: ({ epoch }) => epoch === stopAt && controller.abort(),
      });
      expect(stopped.interrupted).toBe(true);
      expect(stopped.history).toHaveLength(stopAt);
      const { spec, data: same } = options;
      const resumed = await train({ spec, data: same, out, resume: true }); // everything else comes from the checkpoint
      expect(resumed.resumedFrom).toBe(stopAt);
      for (const file of readdirSync(whole)) {
        expect(readFileSync(join(out, file)).equals(readFileSync(join(whole, file))), `${file} after ${stopAt}`).toBe(
          true,
        );
      }
    }
  });

  it('goes on bit for bit where the learning rate follows the steps, or the history', async () => {
    const decided: Partial<TrainOptions>[] = [
      { schedule: { type: 'cosine', warmup: 1.5, end: 0.1 }, monitor: 'f1', keep: 'last' },
      {
        ...{ classWeights: 'balanced', l2: 0.001, globalClipNorm: 0.5, optimiser: { type: 'sgd', momentum: 0.9 } },
        ...{ schedule: { type: 'exponential', factor: 0.8 }, monitor: 'auc' },
      },
      { reduceOnPlateau: { factor: 0.5, patience: 1, minDelta: 0.3 }, monitor: 'auc', minDelta: 0.01, patience: 4 },
    ];
    for (const [number, own] of decided.entries()) {
      const [whole, out] = ['whole', 'stopped'].map((name) => join(root, `decided-${number}-${name}`)) as [
        string,
        string,
      ];
      const { history, bestEpoch } = await train({ ...options, ...own, out: whole });
      const rates = history.map(({ learningRate }) => learningRate);
      expect(new Set(rates).size).toBeGreaterThan(2);
      expect(bestEpoch).toBe(
        own.keep === 'last' ? 6 : 1 + indexOfHighest(history.map(({ validationAuc }) => validationAuc)),
      );
      const controller = new AbortController();
      const stop = ({ epoch }: { epoch: number }) => epoch === 3 && controller.abort();
      await train({ ...options, ...own, out, signal: controller.signal, onEpoch: stop });
      await train({ spec: options.spec, data, out, resume: true });
      for (const file of readdirSync(whole)) {
        expect(readFileSync(join(out, file)).equals(readFileSync(join(whole, file))), file).toBe(true);
      }
      const again = { out, resume: true, epochs: 7 };
      expect(await codeOf({ ...again, learningRate: options.learningRate, schedule: { type: 'linear' } })).toBe(
        own.reduceOnPlateau ? 'OPTION_UNSUPPORTED' : 'RESUME_MISMATCH',
      );
    }
  });

  it('keeps the weights of the best epoch by what is watched, or those of the last', async () => {
    const given = { ...options, learningRate: 0.3, epochs: 8, patience: 8 };
    const best = await train({ ...given, monitor: 'accuracy' });
    const figures = best.history.map(({ validationAccuracy }) => validationAccuracy);
    expect(best.bestEpoch).toBe(1 + indexOfHighest(figures));
    expect(best.bestEpoch).toBeLessThan(8);
    const accuracyOf = async ({ model, split }: typeof best) =>
      (await evaluate(model, part(split.validation))).accuracy;
    expect(await accuracyOf(best)).toBe(Math.max(...figures.map(Number)));
    const last = await train({ ...given, monitor: 'accuracy', keep: 'last' });
    expect(last.history).toEqual(best.history);
    expect(last.bestEpoch).toBe(8);
    expect(await accuracyOf(last)).toBe(figures.at(-1));
  });

  it('gives a loss with its penalty, of the training and of the validation part', async () => {
    const given = { ...options, epochs: 1, learningRate: 1e-6, engine: 'js' } as const;
    const [plain, penalised] = [await train(given), await train({ ...given, l2: 0.1 })];
    const penalty = [...plain.model.weights].reduce(
      (sum, [name, { data }]) =>
        sum + (name.endsWith('bias') ? 0 : 0.1 * data.reduce((squares, w) => squares + w ** 2, 0)),
      0,
    );
    expect(penalty).toBeGreaterThan(0.5);
    for (const figure of ['loss', 'validationLoss'] as const) {
      const gained = Number(penalised.history[0]?.[figure]) - Number(plain.history[0]?.[figure]);
      expect(gained).toBeCloseTo(penalty, 3); // the weights move a little, at a rate of 1e-6
    }
    expect(penalised.history[0]?.validationAccuracy).toBe(plain.history[0]?.validationAccuracy);
  });

  it('refuses decisions that cannot be made', async () => {
    expect(await codeOf({ globalClipNorm: 1, clipValue: 1 })).toBe('OPTION_UNSUPPORTED');
    expect(await codeOf({ classWeights: { 'is-ugly': 2 } })).toBe('OPTION_INVALID');
    expect(await codeOf({ clipValue: 0 })).toBe('OPTION_INVALID');
    const plateau = { reduceOnPlateau: {} };
    expect(await codeOf({ ...plateau, schedule: { type: 'exponential', factor: 0.9 } })).toBe('OPTION_UNSUPPORTED');
    expect(await codeOf({ ...plateau, schedule: { type: 'constant', warmup: 1 } })).toBe('OPTION_UNSUPPORTED');
    expect(await codeOf({ schedule: { type: 'step', every: 1 } as never })).toBe('OPTION_INVALID');
  });

  it('can go on with more epochs, and has nothing to do when it is done', async () => {
    const out = join(root, 'longer');
    await train({ ...options, out, epochs: 2, patience: 9 });
    const { spec, data: same } = options;
    expect((await train({ spec, data: same, out, resume: true, epochs: 4 })).history).toHaveLength(4);
    expect((await train({ spec, data: same, out, resume: true })).history).toHaveLength(4);
  });

  it('mends what a run left that was killed between two files', async () => {
    const out = join(root, 'between');
    await train({ ...options, out, epochs: 3, patience: 9 });
    const files = ['best.safetensors', 'history.csv'].map((name) => join(out, name));
    const whole = files.map((file) => readFileSync(file));
    const other = join(root, 'other');
    await train({ ...options, out: other, seed: 9, epochs: 1 });
    // one that was to replace this run got as far as its first best model, or this run no further than `last`
    writeFileSync(files[0] as string, readFileSync(join(other, 'best.safetensors')));
    writeFileSync(files[1] as string, readFileSync(join(other, 'history.csv')));
    await train({ spec: options.spec, data, out, resume: true });
    files.forEach((file, i) => {
      expect(readFileSync(file).equals(whole[i] as Buffer), file).toBe(true);
    });
  });

  it('refuses a checkpoint that lacks what the optimiser remembered', async () => {
    const out = join(root, 'forgetful');
    await train({ ...options, out, epochs: 1 });
    const last = join(out, 'last.safetensors');
    const { model, run } = await loadCheckpoint(last);
    if (run === undefined) throw new Error('a run has a state');
    const moments = new Map([...run.moments].filter(([kind]) => kind !== 'v'));
    await saveCheckpoint(last, { model, run: { ...run, moments } });
    const resumed = train({ spec: options.spec, data, out, resume: true, epochs: 2 });
    await expect(resumed).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringContaining('no moments v, which adam goes on from'),
    });
  });

  it('goes on with options that are the same in another order', async () => {
    const out = join(root, 'ordered');
    const classWeights = { 'is-bad': 1, 'is-good': 2 };
    await train({ ...options, out, classWeights, epochs: 1 });
    const again = { spec: options.spec, data, out, resume: true, epochs: 2 };
    expect((await train({ ...again, classWeights: { 'is-good': 2, 'is-bad': 1 } })).history).toHaveLength(2);
    expect(await codeOf({ ...again, classWeights: { 'is-good': 3, 'is-bad': 1 } })).toBe('RESUME_MISMATCH');
  });

  it('refuses to resume what would not be the same run', async () => {
    const out = join(root, 'whole');
    expect(await codeOf({ out, resume: true, seed: 2 })).toBe('RESUME_MISMATCH');
    expect(await codeOf({ out, resume: true, batchSize: 8 })).toBe('RESUME_MISMATCH');
    expect(await codeOf({ out, resume: true, data: sentences(['bad', 'good'], 118) })).toBe('RESUME_MISMATCH');
    expect(await codeOf({ out, resume: true, spec: (sizes) => ({ ...small(sizes), name: 'other' }) })).toBe(
      'RESUME_MISMATCH',
    );
    expect(await codeOf({ out: join(root, 'nothing'), resume: true })).toBe('FILE_NOT_FOUND');
    expect(await codeOf({ resume: true })).toBe('OPTION_INVALID');
  });

  it('records the engine and the threads that auto and fastest take, and goes on with them', async () => {
    const { spec, data: same } = options;
    for (const engine of ['auto', 'fastest'] as const) {
      const out = join(root, `took-${engine}`);
      const begun = await train({ ...options, out, engine, epochs: 1, patience: 9 });
      const taken = { engine: begun.engine.name, threads: begun.engine.threads };
      expect((await loadCheckpoint(join(out, 'last.safetensors'))).run?.options).toMatchObject(taken);
      for (const again of ['auto', 'fastest', undefined, begun.engine.name] as const) {
        const resumed = await train({ spec, data: same, out, resume: true, engine: again });
        expect(resumed.engine).toMatchObject({ name: taken.engine, threads: taken.threads });
        expect(resumed.engine.note).toContain('as asked');
      }
      const other = begun.engine.name === 'js' ? 'wasm' : 'js';
      expect(await codeOf({ out, resume: true, engine: other })).toBe('RESUME_MISMATCH');
      expect(await codeOf({ out, resume: true, threads: taken.threads + 1 })).toBe('RESUME_MISMATCH');

      const byName = join(root, `named-${engine}`);
      await train({ ...options, out: byName, ...taken, epochs: 1, patience: 9 });
      await train({ spec, data: same, out: byName, resume: true, epochs: 1 });
      const [a, b] = [out, byName].map((folder) => readFileSync(join(folder, 'best.safetensors')));
      expect(a?.equals(b as Buffer), `${engine} leaves no trace but the name of what it took`).toBe(true);
    }
  });

  describe('with bucket', () => {
    const masking = (sizes: { vocabularySize: number; classes: number }): SpecInput => {
      const [embedding, ...rest] = small(sizes).layers;
      return { version: 1, name: 'masking', layers: [{ ...embedding, maskZero: true } as never, ...rest] };
    };
    const bucketed: Partial<TrainOptions> = { spec: masking, bucket: true, maxLength: 30 };

    it.each(['pre', 'post'] as const)('learns, repeats and goes on bit for bit, padding %s', async (padding) => {
      const whole = join(root, `bucket-${padding}`);
      const { history } = await train({ ...options, ...bucketed, padding, out: whole, epochs: 15, patience: 15 });
      expect(history.at(-1)?.validationAccuracy).toBeGreaterThan(0.9);
      const out = join(root, `bucket-${padding}-stopped`);
      await train({ ...options, ...bucketed, padding, out, epochs: 2, patience: 15 });
      await train({ spec: masking, data, out, resume: true, epochs: 15 });
      for (const file of ['best.safetensors', 'history.csv']) {
        expect(readFileSync(join(out, file)).equals(readFileSync(join(whole, file))), file).toBe(true);
      }
    });

    it('is refused where the model reads its padding', async () => {
      expect(await codeOf({ bucket: true })).toBe('OPTION_UNSUPPORTED');
      expect(await codeOf({ out: join(root, 'bucket-pre'), resume: true, ...bucketed, bucket: false })).toBe(
        'RESUME_MISMATCH',
      );
    });
  });

  it('says what it will hold in memory before it begins, and refuses what cannot fit', async () => {
    const { memory } = await train({ ...options, epochs: 1 });
    expect(memory.bytes).toBe(memory.parts.reduce((sum, { bytes }) => sum + bytes, 0));
    expect(memory.parts.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['encoded texts', 'best weights and checkpoint', 'weights, gradients and moments']),
    );
    const huge =
      (units: number) =>
      ({ vocabularySize }: { vocabularySize: number }) => ({
        version: 1 as const,
        name: 'huge',
        layers: [
          { type: 'embedding' as const, inputDim: vocabularySize, outputDim: 8 },
          { type: 'lstm' as const, units },
          { type: 'dense' as const, units: 1 },
        ],
      });
    for (const engine of ['auto', 'fastest', 'js'] as const) {
      await expect(train({ ...options, engine, spec: huge(2 ** 20) })).rejects.toMatchObject({
        code: 'MEMORY_TOO_SMALL',
        message: expect.stringMatching(
          /^training needs [\d.]+ GB \(.* [\d.]+ GB.*\) of memory, and there are [\d.]+ GB$/,
        ),
      });
    }
    const long = await codeOf({ maxLength: 1_000_000, data: sentences(['bad', 'good'], 20_000) });
    expect(['MEMORY_TOO_SMALL', 'OPTION_INVALID']).toContain(long); // 60 GB of ids: too many for a machine, or for a matrix
  });

  it('does not replace a run unless it is told to', async () => {
    const out = join(root, 'b');
    const before = readFileSync(join(out, 'last.safetensors'));
    expect(await codeOf({ out, seed: 9 })).toBe('RUN_EXISTS');
    expect(readFileSync(join(out, 'last.safetensors')).equals(before)).toBe(true);
    writeFileSync(join(out, 'model.onnx'), 'of the old run');
    await train({ ...options, out, seed: 9, overwrite: true });
    expect(readFileSync(join(out, 'last.safetensors')).equals(before)).toBe(false);
    expect(readdirSync(out)).not.toContain('model.onnx');
  });

  it('lets one process at a time write to a folder, and takes over from one that died', async () => {
    const out = join(root, 'c');
    writeFileSync(join(out, '.lock'), String(process.ppid));
    expect(await codeOf({ out, overwrite: true })).toBe('RUN_LOCKED');
    writeFileSync(join(out, '.lock'), String(2 ** 22 + 1)); // above the system's largest process id
    expect(await codeOf({ out, overwrite: true })).toBe('accepted');
    expect(readdirSync(out)).not.toContain('.lock');
  });

  it('stops when the loss is no number, and keeps what was good', async () => {
    const out = join(root, 'nan');
    const linear = parseSpec({
      version: 1,
      name: 'linear',
      layers: [
        { type: 'embedding', inputDim: 60, outputDim: 4 },
        { type: 'simpleRnn', units: 4, activation: 'linear' },
        { type: 'dense', units: 1 },
      ],
    });
    const wild: Partial<TrainOptions> = { spec: linear, out, learningRate: 1e6, optimiser: { type: 'sgd' } };
    expect(await codeOf(wild)).toBe('LOSS_NOT_FINITE');
    expect(existsSync(out)).toBe(false);
    await train({ ...options, ...wild, learningRate: 1e-3, epochs: 1 });
    expect((await loadCheckpoint(join(out, 'last.safetensors'))).run?.epoch).toBe(1);
  });

  it('leaves nothing behind when it is stopped before its first epoch is done', async () => {
    const out = join(root, 'early');
    expect(await codeOf({ out, signal: AbortSignal.abort() })).toBe('INTERRUPTED');
    expect(existsSync(out)).toBe(false);
  });

  it.each([
    ['epochs 0', { epochs: 0 }, 'OPTION_INVALID'],
    ['a batch of half a row', { batchSize: 0.5 }, 'OPTION_INVALID'],
    ['a learning rate that is no number', { learningRate: Number.NaN }, 'OPTION_INVALID'],
    ['a negative seed', { seed: -1 }, 'OPTION_INVALID'],
    ['an unknown option', { batchsize: 3 } as object, 'OPTION_UNKNOWN'],
    ['two threads on one', { engine: 'js', threads: 2 }, 'OPTION_UNSUPPORTED'],
    ['more threads than there are', { engine: 'tensorflow', threads: 1024 }, 'OPTION_UNSUPPORTED'],
    [
      'a head of another number of classes',
      { spec: parseSpec(small({ vocabularySize: 60, classes: 3 })) },
      'DATA_LABELS',
    ],
    [
      'another vocabulary size than the spec has',
      { spec: parseSpec(small({ vocabularySize: 50, classes: 2 })) },
      'OPTION_UNSUPPORTED',
    ],
  ] as const)('refuses %s', async (_, given, code) => {
    expect(await codeOf(given)).toBe(code);
  });
});
