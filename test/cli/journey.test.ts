/** From texts to a proven ONNX file through every command, and the shapes of their objects. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import { loadCheckpoint } from '../../models/checkpoint/checkpoint.ts';
import { cli, cliJson, cliRefusal, moods, quickly, restaurants, tickets, useCli } from './run-cli.ts';

const place = useCli();
const at = (...names: string[]) => join(place.folder, ...names);
const probability = expect.toSatisfy((value: number) => value >= 0 && value <= 1);

let trained: Record<string, unknown>;

beforeAll(async () => {
  trained = await cliJson(['train', 'lstm', '--data', tickets, '--out', at('run'), ...quickly]);
  await cliJson(['export', at('run'), '--out', at('model.onnx')]);
});

describe('train', () => {
  it('reports what it did and where the files are', () => {
    expect(trained).toMatchObject({
      model: 'lstm',
      epochs: 2,
      bestEpoch: expect.toSatisfy((epoch: number) => epoch === 1 || epoch === 2),
      stoppedEarly: false,
      history: [{ epoch: 1 }, { epoch: 2, loss: expect.any(Number), validationLoss: expect.any(Number) }],
      test: { accuracy: probability, loss: expect.any(Number), examples: 24 },
      engine: { name: 'wasm', threads: expect.any(Number), note: expect.stringMatching(/ms a step expected/) },
      memory: {
        bytes: expect.any(Number),
        parts: expect.arrayContaining([expect.objectContaining({ what: 'encoded texts' })]),
      },
      options: { epochs: 2, batchSize: 16, maxLength: 12, seed: 0, learningRate: 0.001 },
    });
    for (const file of Object.values(trained.files as Record<string, string>)) expect(existsSync(file)).toBe(true);
  });

  it('gives the same bytes for the same seed, others for another', async () => {
    const args = ['train', 'lstm', '--data', tickets, ...quickly];
    await cliJson([...args, '--out', at('same')]);
    await cliJson([...args, '--out', at('other'), '--seed', '1']);
    const best = (run: string) => readFileSync(at(run, 'best.safetensors'));
    expect(best('same').equals(best('run'))).toBe(true);
    expect(best('other').equals(best('run'))).toBe(false);
  });

  it('honours every option of a run', async () => {
    const options = {
      ...{ epochs: 1, patience: 2, batchSize: 7, learningRate: 0.5, seed: 3, vocabularySize: 50, maxLength: 9 },
      ...{ validationSplit: 0.2, testSplit: 0.25, splitSeed: 4, threads: 1 },
      ...{ monitor: 'f1', minDelta: 0.01, keep: 'last', schedule: 'cosine,end=0.1,warmup=0.5' },
      ...{ clipValue: 0.5, l2: 0.001, classWeights: 'balanced' },
      ...{ optimiser: 'sgd,momentum=0.9,nesterov', padding: 'post', truncating: 'post', engine: 'js' },
    };
    const args = Object.entries(options).flatMap(([name, value]) => [
      `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
      String(value),
    ]);
    const result = await cliJson(['train', 'lstm', '--data', tickets, '--out', at('options'), ...args]);
    const { optimiser, schedule: _, ...others } = options;
    expect(result.options).toMatchObject({
      ...others,
      optimiser: { type: 'sgd', momentum: 0.9, nesterov: true },
      schedule: { type: 'cosine', over: 1, end: 0.1, warmup: 0.5 },
    });
  });

  it('takes a spec from a file, and refuses another vocabulary size for it', async () => {
    const spec = {
      version: 1,
      name: 'own',
      layers: [
        { type: 'embedding', inputDim: 40, outputDim: 4 },
        { type: 'gru', units: 3 },
        { type: 'dense', units: 3, activation: 'softmax' },
      ],
    };
    await writeFile(at('spec.json'), JSON.stringify(spec));
    const args = ['train', at('spec.json'), '--data', tickets, ...quickly];
    expect(await cliJson([...args, '--out', at('own')])).toMatchObject({ model: 'own' });
    const refusal = await cliRefusal([...args, '--out', at('none'), '--vocabulary-size', '50'], 2);
    expect(refusal.code).toBe('OPTION_UNSUPPORTED');
  });

  it('reads a folder, and JSONL with other names for its fields', async () => {
    const columns = ['--text-column', 'review', '--label-column', 'verdict'];
    const reviews = await cliJson([
      'train',
      'lstm',
      '--data',
      restaurants,
      ...columns,
      '--out',
      at('reviews'),
      ...quickly,
    ]);
    expect(reviews.test).toMatchObject({ examples: 8 });
    const folder = await cliJson(['train', 'lstm', '--data', moods, '--out', at('moods'), ...quickly]);
    expect(folder.test).toMatchObject({ examples: 4 });
  });

  it('does not replace a run unless told to', async () => {
    const args = ['train', 'lstm', '--data', tickets, '--out', at('kept'), ...quickly];
    await cliJson(args);
    const before = readFileSync(at('kept', 'best.safetensors'));
    expect((await cliRefusal([...args, '--seed', '5'], 2)).code).toBe('RUN_EXISTS');
    expect(readFileSync(at('kept', 'best.safetensors')).equals(before)).toBe(true);
    await cliJson([...args, '--seed', '5', '--overwrite']);
    expect(readFileSync(at('kept', 'best.safetensors')).equals(before)).toBe(false);
  });

  it('goes on with a run for more epochs, with the options that it began with', async () => {
    const args = ['train', 'lstm', '--data', tickets, '--out', at('longer')];
    await cliJson([...args, ...quickly]);
    const longer = await cliJson([...args, '--resume', '--epochs', '3']);
    expect(longer).toMatchObject({ epochs: 3, options: { maxLength: 12, batchSize: 16, epochs: 3 } });
    const atOnce = await cliJson([
      'train',
      'lstm',
      '--data',
      tickets,
      '--out',
      at('once'),
      ...quickly,
      '--epochs',
      '3',
    ]);
    expect(longer.history).toEqual(atOnce.history);
    expect((await cliRefusal([...args, '--resume', '--seed', '1'], 2)).code).toBe('RESUME_MISMATCH');
  });
});

describe('export', () => {
  it('gives the same bytes each time', async () => {
    const report = await cliJson(['export', at('run', 'best.safetensors'), '--out', at('deep', 'er', 'again.onnx')]);
    const bytes = readFileSync(at('model.onnx'));
    expect(report).toMatchObject({ bytes: bytes.length, labels: ['billing', 'delivery', 'technical'] });
    expect(readFileSync(at('deep', 'er', 'again.onnx')).equals(bytes)).toBe(true);
  });
});

describe('inspect', () => {
  it('shows an ONNX file', async () => {
    const found = await cliJson(['inspect', at('model.onnx')]);
    expect(found).toMatchObject({
      kind: 'onnx',
      opset: 17,
      producer: { name: 'recurrent-onnx' },
      labels: ['billing', 'delivery', 'technical'],
      preprocessing: { maxLength: 12 },
      training: { source: tickets, seed: 0 },
    });
    const { inputs, nodes } = found.graph as { inputs: unknown; nodes: { op: string }[] };
    expect(inputs).toMatchObject([{ name: 'ids', dataType: 'int32' }]);
    expect(nodes.filter(({ op }) => op === 'LSTM')).toHaveLength(1);
  });

  it('shows and writes the graph of a training step, in which onnxruntime finds a gradient for each weight', async () => {
    const checkpoint = at('run', 'best.safetensors');
    const found = await cliJson(['inspect', checkpoint, '--training', '--output', at('step.onnx')]);
    expect(found).toMatchObject({ kind: 'training', opset: 17, nodes: expect.any(Number) });
    const { weights } = (await cliJson(['inspect', checkpoint])) as { weights: { name: string; shape: number[] }[] };
    expect(weights.length).toBeGreaterThan(0);
    const session = await InferenceSession.create(at('step.onnx'));
    const expected = ['logits', ...weights.map(({ name }) => `gradient:${name}`)];
    expect([...session.outputNames].sort()).toEqual(expected.sort());
    await session.release();
  });

  it('shows a checkpoint and a spec', async () => {
    const last = await cliJson(['inspect', at('run', 'last.safetensors')]);
    expect(last).toMatchObject({ kind: 'checkpoint', run: { epoch: 2, history: [{}, {}] } });
    expect(last.weights).toContainEqual({ name: 'lstm/recurrent_kernel', shape: [8, 32] });
    await writeFile(at('plain.json'), JSON.stringify(last.spec));
    const { kind, spec, parameters } = await cliJson(['inspect', at('plain.json')]);
    expect({ kind, spec, parameters }).toEqual({ kind: 'spec', spec: last.spec, parameters: last.parameters });
  });

  it('prints a summary and tables for people', async () => {
    const { stdout } = await cli(['inspect', at('model.onnx')]);
    expect(stdout).toContain('Layer (type)');
    expect(stdout).toMatch(/^LSTM +/m);
    expect(stdout).toMatch(/^opset +17$/m);
  });
});

describe('evaluate', () => {
  it('judges a run and its ONNX file alike, on the held-out part', async () => {
    const run = await cliJson(['evaluate', at('run'), '--data', tickets]);
    const onnx = await cliJson(['evaluate', at('model.onnx'), '--data', tickets]);
    expect(run).toMatchObject({ accuracy: probability, examples: 24, split: 'test' });
    const { accuracy, loss } = trained.test as { accuracy: number; loss: number };
    expect(run).toMatchObject({ accuracy, loss });
    const { precision, recall, f1, auc, ...test } = trained.test as Record<string, number>;
    expect(test).toEqual({ accuracy, loss, examples: 24 });
    expect(run).toMatchObject({ precision, recall, f1, auc });
    const classes = run.classes as { label: string; support: number; recall: number }[];
    expect(classes.map(({ label }) => label)).toEqual(run.labels);
    const rightOnes = classes.map((one) => one.recall * one.support);
    expect(rightOnes.reduce((sum, count) => sum + count) / 24).toBeCloseTo(accuracy, 12);
    expect(onnx).toMatchObject({ accuracy, examples: 24, split: 'test', confusion: run.confusion });
    // Two float32 computations of the same mean.
    expect(Math.abs((onnx.loss as number) - loss)).toBeLessThan(1e-5);
  });

  it('judges the part that was asked for', async () => {
    const parts = await Promise.all(
      ['train', 'validation', 'test', 'all'].map((split) =>
        cliJson(['evaluate', at('model.onnx'), '--data', tickets, '--split', split]),
      ),
    );
    const [train, validation, test, all] = parts.map(({ examples }) => examples as number) as [
      number,
      number,
      number,
      number,
    ];
    expect(all).toBe(120);
    expect(train + validation + test).toBe(120);
  });

  it('knows texts that the model was not trained on', async () => {
    const lines = readFileSync(tickets, 'utf8').split('\n');
    await writeFile(at('others.csv'), [lines[0], ...lines.slice(1, 31)].join('\n'));
    const args = ['evaluate', at('model.onnx'), '--data', at('others.csv')];
    expect(await cliJson(args)).toMatchObject({ examples: 30, split: 'all' });
    expect((await cliRefusal([...args, '--split', 'test'], 2)).code).toBe('OPTION_UNSUPPORTED');
  });

  it('refuses labels that the model does not know', async () => {
    const columns = ['--text-column', 'review', '--label-column', 'verdict'];
    const error = await cliRefusal(['evaluate', at('model.onnx'), '--data', restaurants, ...columns], 2);
    expect(error.code).toBe('DATA_LABELS');
  });
});

describe('predict', () => {
  const texts = ['where is my parcel', 'the app crashes'];

  it('gives label, probability and scores of each text', async () => {
    const { predictions } = (await cliJson(['predict', at('model.onnx'), ...texts])) as {
      predictions: { text: string; label: string; probability: number; scores: Record<string, number> }[];
    };
    expect(predictions.map(({ text }) => text)).toEqual(texts);
    for (const { label, probability: p, scores } of predictions) {
      expect(Object.keys(scores)).toEqual(['billing', 'delivery', 'technical']);
      expect(p).toBe(Math.max(...Object.values(scores)));
      expect(scores[label]).toBe(p);
    }
  });

  it('gives the same for arguments, a file and standard input', async () => {
    const input = `${texts.join('\r\n')}\n`;
    await writeFile(at('texts.txt'), input);
    const [args, file, piped, dash] = await Promise.all([
      cliJson(['predict', at('model.onnx'), ...texts]),
      cliJson(['predict', at('model.onnx'), '--file', at('texts.txt')]),
      cliJson(['predict', at('model.onnx')], { input }),
      cliJson(['predict', at('model.onnx'), '--file', '-'], { input }),
    ]);
    expect(file).toEqual(args);
    expect(piped).toEqual(args);
    expect(dash).toEqual(args);
  });

  it('keeps the order and the number of lines, empty ones too', async () => {
    const { stdout } = await cli(['predict', at('model.onnx')], { input: 'one\n\n\u001b[31mtwo\tthree\n' });
    const lines = stdout.split('\n').map((line) => line.split('\t'));
    expect(lines.map((fields) => fields[2])).toEqual(['one', '', '[31mtwo three', undefined]);
    for (const [label, share] of lines.slice(0, 3)) {
      expect(['billing', 'delivery', 'technical']).toContain(label);
      expect(share).toMatch(/^[01]\.\d{4}$/);
    }
  });

  it('takes texts that begin with dashes after --', async () => {
    const { stdout } = await cli(['predict', at('model.onnx'), '--', '--help', '-x', '--json']);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t')[2]),
    ).toEqual(['--help', '-x', '--json']);
  });
});

describe('parity', () => {
  it('finds no flip between all runners', async () => {
    const report = await cliJson(['parity', at('run'), '--data', tickets, '--sample', '10']);
    expect(report).toMatchObject({ passed: true, flips: 0, examples: 120, smallestMargin: expect.any(Number) });
    // The tolerance of the parity table for float32 against float64.
    expect(report.maxAbsError).toBeLessThan(5e-6);
    const runners = report.runners as { name: string; examples?: number }[];
    expect(runners.map(({ name }) => name).toSorted()).toEqual([
      'js',
      'onnxruntime',
      'onnxruntime-web',
      'reference',
      'tensorflow',
      'wasm',
    ]);
    expect(runners.find(({ name }) => name === 'tensorflow')).toMatchObject({ examples: 10 });
  });

  it('compares the file that is named, and refuses that of another model', async () => {
    const names = ['--runners', 'reference,onnxruntime'];
    const [own, other] = [at('parity-own.onnx'), at('parity-other.onnx')];
    await cliJson(['export', at('run'), '--out', own]);
    const report = await cliJson(['parity', at('run'), '--data', tickets, '--onnx', own, ...names]);
    expect(report).toMatchObject({
      passed: true,
      onnxSha256: createHash('sha256').update(readFileSync(own)).digest('hex'),
    });
    const { model } = await loadCheckpoint(at('run', 'best.safetensors'));
    writeFileSync(other, exportOnnx({ ...model, labels: model.labels.toReversed() }));
    const asked = ['parity', at('run'), '--data', tickets, '--onnx', other];
    const refusal = await cliRefusal([...asked, ...names], 1);
    expect(refusal).toMatchObject({ code: 'PARITY_FAILED', message: expect.stringContaining('labels') });
    expect(await cliRefusal([...asked, '--runners', 'reference,js'], 2)).toMatchObject({ code: 'OPTION_UNSUPPORTED' });
  });

  it('compares the runners that are named', async () => {
    const names = 'reference,onnxruntime';
    const report = await cliJson(['parity', at('run'), '--data', tickets, '--runners', names]);
    expect(report.pairs).toMatchObject([{ norm: 'reference', other: 'onnxruntime', passed: true }]);
    const refusal = await cliRefusal(['parity', at('run'), '--data', tickets, '--runners', 'js,onnxruntime'], 2);
    expect(refusal.message).toContain('reference');
  });
});

describe('demo', () => {
  it('goes the whole way and may be run twice', async () => {
    const args = ['demo', 'lstm', '--data', tickets, '--out', at('demo'), ...quickly];
    const result = await cliJson(args);
    expect(result).toMatchObject({
      accuracy: probability,
      examples: 24,
      flips: 0,
      maxAbsError: expect.any(Number),
      smallestMargin: expect.any(Number),
      seconds: expect.any(Number),
      stages: ['read', 'train', 'export', 'evaluate', 'prove'].map((name) => ({ name, seconds: expect.any(Number) })),
      files: { onnx: at('demo', 'model.onnx') },
    });
    expect(result.next).toHaveLength(3);
    const before = readFileSync(at('demo', 'model.onnx'));
    await cliJson(args);
    expect(readFileSync(at('demo', 'model.onnx')).equals(before)).toBe(true);
  });
});

describe('models', () => {
  it('lists the zoo with its parameters', async () => {
    const { models } = (await cliJson(['models'])) as { models: { name: string; parameters: number }[] };
    // Embedding 10,000 · 16, LSTM 4 · 16 · (16 + 16 + 1), dense 16 + 1.
    expect(models).toContainEqual(expect.objectContaining({ name: 'spam-lstm', parameters: 160_000 + 2_112 + 17 }));
  });
});
