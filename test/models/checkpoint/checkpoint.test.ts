import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  loadCheckpoint,
  saveCheckpoint,
} from '../../../models/checkpoint/checkpoint.ts';
import { decodeSafetensors, encodeSafetensors } from '../../../models/checkpoint/safetensors.ts';
import { parseSpec } from '../../../models/spec.ts';
import { kerasTokenizer } from '../../../models/text/preprocessing.ts';
import type { RecurrentError } from '../../../src/core/errors.ts';
import { randomWeights } from '../../support/arbitrary-spec.ts';
import { needPython, runPython } from '../../support/python.ts';

const folder = mkdtempSync(join(tmpdir(), 'checkpoint-'));
afterAll(() => rmSync(folder, { recursive: true }));

const spec = parseSpec({
  version: 1,
  name: 'saved',
  layers: [
    { type: 'embedding', inputDim: 5, outputDim: 2 },
    { type: 'gru', name: 'run', units: 2 }, // a layer may be called as the run's own tensors are
    { type: 'dense', units: 1, activation: 'sigmoid' },
  ],
});
const weights = randomWeights(spec, 1);
const moments = new Map(
  ['m', 'v'].map((kind, seed) => [
    kind,
    new Map([...randomWeights(spec, seed + 2)].map(([name, { data }]) => [name, data])),
  ]),
);
const checkpoint: Checkpoint = {
  model: {
    spec,
    weights,
    preprocessing: { tokenizer: kerasTokenizer, maxLength: 7, padding: 'pre', truncating: 'post' },
    vocabulary: ['grüezi', '日本', '"quoted"'],
    labels: ['ham', 'spam'],
    training: {
      source: 'x.csv',
      fingerprint: 'f',
      splitSeed: 0,
      testSplit: 0.2,
      validationSplit: 0.1,
      engine: 'js',
      threads: 1,
      seed: 3,
      bestEpoch: 2,
    },
  },
  run: {
    options: { seed: 3, learningRate: 0.1 + 0.2 },
    epoch: 3,
    optimiserStep: 30,
    bestEpoch: 2,
    history: [
      {
        epoch: 1,
        learningRate: 0.001,
        loss: 0.1 + 0.2,
        accuracy: 2 / 3,
        precision: 1 / 7,
        recall: 1,
        f1: 0.25,
        auc: null,
        validationLoss: null,
        validationAccuracy: null,
        validationPrecision: null,
        validationRecall: null,
        validationF1: null,
        validationAuc: null,
      },
    ],
    weights: randomWeights(spec, 9),
    moments,
  },
};
const bytes = encodeCheckpoint(checkpoint);

function codeOf(damaged: Uint8Array): string {
  try {
    decodeCheckpoint(damaged, 'x.safetensors');
    return 'accepted';
  } catch (error) {
    return (error as RecurrentError).code;
  }
}

describe('checkpoint', () => {
  it('comes back exactly, to the last bit of every number', async () => {
    const path = join(folder, 'deep', 'run.safetensors');
    await saveCheckpoint(path, checkpoint);
    expect(await loadCheckpoint(path)).toEqual(checkpoint);
    expect(readdirSync(join(folder, 'deep'))).toEqual(['run.safetensors']);
  });

  it('comes back without a run', () => {
    const model = { model: checkpoint.model };
    expect(decodeCheckpoint(encodeCheckpoint(model), 'x')).toEqual(model);
  });

  it('has the same bytes each time', () => {
    expect(encodeCheckpoint(structuredClone(checkpoint))).toEqual(bytes);
  });

  it('refuses a file cut at any byte', () => {
    for (let length = 0; length < bytes.length; length += length < 3000 ? 7 : 97) {
      expect(codeOf(bytes.subarray(0, length)), `${length} of ${bytes.length} bytes`).toBe('CHECKPOINT_INVALID');
    }
    expect(codeOf(new Uint8Array([...bytes, 0]))).toBe('CHECKPOINT_INVALID');
  });

  it('ends every damage in a typed error or in values of the right shape', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = bytes.slice();
        damaged[at] = (damaged[at] as number) ^ flip;
        expect(['accepted', 'CHECKPOINT_INVALID', 'SPEC_INVALID', 'WEIGHTS_INVALID']).toContain(codeOf(damaged));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['a header of exabytes', { 7: 0x7f }],
    ['a header longer than the file', { 2: 0xff }],
  ])('refuses %s without allocating it', (_, patch) => {
    const damaged = bytes.slice();
    for (const [at, value] of Object.entries(patch)) damaged[Number(at)] = value;
    expect(codeOf(damaged)).toBe('CHECKPOINT_INVALID');
  });

  it('refuses NaN, wrong shapes, missing and foreign weights', () => {
    const withWeights = (change: (map: Map<string, { shape: readonly number[]; data: Float32Array }>) => void) => {
      const changed = new Map(weights);
      change(changed);
      return codeOf(encodeCheckpoint({ model: { ...checkpoint.model, weights: changed } }));
    };
    const bias = { shape: [1], data: Float32Array.of(Number.NaN) };
    expect(withWeights((map) => map.set('dense/bias', bias))).toBe('WEIGHTS_INVALID');
    expect(withWeights((map) => map.set('dense/bias', { shape: [2], data: new Float32Array(2) }))).toBe(
      'WEIGHTS_INVALID',
    );
    expect(withWeights((map) => map.delete('dense/bias'))).toBe('WEIGHTS_INVALID');
    expect(withWeights((map) => map.set('other', bias))).toBe('WEIGHTS_INVALID');
  });

  it('refuses moments that are not those of the weights', () => {
    const withMoments = (change: (map: Map<string, Float32Array>) => void) => {
      const m = new Map(moments.get('m'));
      change(m);
      const { tensors, metadata } = decodeSafetensors(bytes, 'x');
      const others = [...tensors].filter(([name]) => !name.startsWith('run:m/'));
      const changed = [...m].map(([name, data]) => [`run:m/${name}`, { shape: shapeOf(name, data), data }] as const);
      return codeOf(encodeSafetensors({ tensors: new Map([...others, ...changed]), metadata }));
    };
    const shapeOf = (name: string, { length }: Float32Array) => {
      const shape = weights.get(name)?.shape ?? [];
      return product(shape) === length ? shape : [length];
    };
    expect(withMoments(() => {})).toBe('accepted');
    expect(withMoments((map) => map.delete('dense/bias'))).toBe('CHECKPOINT_INVALID');
    expect(withMoments((map) => map.set('dense/bias', new Float32Array(2)))).toBe('CHECKPOINT_INVALID');
    expect(withMoments((map) => map.set('other/bias', new Float32Array(1)))).toBe('CHECKPOINT_INVALID');
    // The square of a gradient of 1e20.
    expect(withMoments((map) => map.set('dense/bias', Float32Array.of(Number.POSITIVE_INFINITY)))).toBe('accepted');
  });

  it('refuses a format of the future and a file of another program', () => {
    const { tensors, metadata } = decodeSafetensors(bytes, 'x');
    const json = JSON.parse(metadata['recurrent-onnx'] ?? '');
    const of = (contents: unknown) =>
      encodeSafetensors({ tensors, metadata: { 'recurrent-onnx': JSON.stringify(contents) } });
    expect(codeOf(of({ ...json, version: 2 }))).toBe('CHECKPOINT_INVALID');
    expect(codeOf(of({ ...json, version: 0 }))).toBe('CHECKPOINT_INVALID');
    expect(codeOf(of([]))).toBe('CHECKPOINT_INVALID');
    expect(codeOf(encodeSafetensors({ tensors, metadata: {} }))).toBe('CHECKPOINT_INVALID');
    expect(codeOf(encodeSafetensors({ tensors, metadata: { 'recurrent-onnx': '{' } }))).toBe('CHECKPOINT_INVALID');
  });

  it('says that a missing file is missing', async () => {
    await expect(loadCheckpoint(join(folder, 'none'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });
});

describe('safetensors', () => {
  it('is read by the Python package of the format', async (context) => {
    await needPython(context, 'safetensors');
    const path = join(folder, 'peer.safetensors');
    writeFileSync(path, bytes);
    const script =
      'import sys, json\nfrom safetensors.numpy import load_file\nt = load_file(sys.argv[1])\nprint(json.dumps({k: [list(v.shape), float(v.sum(dtype="float64"))] for k, v in t.items()}))';
    const output = await runPython('-c', script, path);
    const read = JSON.parse(output) as Record<string, [number[], number]>;
    expect(Object.keys(read)).toHaveLength(4 * weights.size);
    for (const [name, { shape, data }] of weights) {
      const sum = data.reduce((total, value) => total + value, 0);
      expect(read[name]?.[0]).toEqual(shape);
      expect(read[name]?.[1]).toBeCloseTo(sum, 10);
    }
  });

  it('keeps any tensors', () => {
    const tensor = fc
      .array(fc.nat(4), { maxLength: 3 })
      .chain((shape) =>
        fc
          .array(fc.float({ noNaN: true }), { minLength: product(shape), maxLength: product(shape) })
          .map((values) => ({ shape, data: Float32Array.from(values) })),
      );
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string().filter((name) => name !== '__metadata__' && name !== '__proto__'),
          tensor,
        ),
        (record) => {
          const tensors = new Map(Object.entries(record));
          const file = { tensors, metadata: { a: 'b' } };
          expect(decodeSafetensors(encodeSafetensors(file), 'x')).toEqual(file);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('the order of a header', () => {
  it('need not be that of the data', () => {
    const tensors = new Map([
      ['b', { shape: [1], data: Float32Array.of(1) }],
      ['0', { shape: [2], data: Float32Array.of(2, 3) }], // JSON puts such a key first
    ]);
    expect(decodeSafetensors(encodeSafetensors({ tensors, metadata: {} }), 'x').tensors).toEqual(tensors);
  });
});

function product(shape: readonly number[]): number {
  return shape.reduce((total, dimension) => total * dimension, 1);
}
