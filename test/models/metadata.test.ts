import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import { decodeOnnx } from '../../exporters/onnx/decode.ts';
import { encodeOnnx } from '../../exporters/onnx/encode.ts';
import { metadataProps, readMetadata } from '../../models/metadata/metadata.ts';
import { producer } from '../../models/metadata/producer.ts';
import type { TrainedModel } from '../../models/model.ts';
import { arbitrarySpec } from '../support/arbitrary-spec.ts';
import { modelOf, trainedModel } from '../support/trained-model.ts';

const model: TrainedModel = {
  ...modelOf([
    { type: 'embedding', inputDim: 9, outputDim: 2 },
    { type: 'gru', units: 2 },
    { type: 'dense', units: 3, activation: 'softmax' },
  ]),
  labels: ['ham', 'spam', 'ünklar 🦆'],
  vocabulary: ['the', 'naïve', '"quoted"', 'line\nbreak', '\ud800', '__proto__', ''],
  training: {
    source: 'spam',
    fingerprint: 'ab'.repeat(32),
    splitSeed: 1,
    testSplit: 0.2,
    validationSplit: 0.1,
    engine: 'js',
    threads: 2,
    seed: 1,
    bestEpoch: 7,
  },
};

/** The file of `model` with other metadata. */
function withMetadata(change: (entries: Map<string, string>) => void): Uint8Array {
  const graph = decodeOnnx(exportOnnx(model));
  const entries = new Map(graph.metadata);
  change(entries);
  return encodeOnnx({ ...graph, metadata: [...entries] });
}

test('what is written is read back, awkward words included', () => {
  const { weights: _, ...described } = model;
  expect(readMetadata(exportOnnx(model))).toEqual({ ...described, producer, opset: 17 });
});

test('any spec is read back', () => {
  fc.assert(
    fc.property(arbitrarySpec(), (spec) => {
      const { weights: _, ...described } = trainedModel(spec);
      expect(readMetadata(exportOnnx(trainedModel(spec)))).toMatchObject(described);
    }),
    { numRuns: 100 },
  );
});

test('the producer bears the version of the package', async () => {
  const manifest = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(producer).toEqual({ name: manifest.name, version: manifest.version });
});

test('the entries are JSON under one key each, in a fixed order', () => {
  const entries = metadataProps(model);
  expect(entries.map(([key]) => key)).toEqual([
    'recurrent-onnx.format',
    'recurrent-onnx.spec',
    'recurrent-onnx.preprocessing',
    'recurrent-onnx.labels',
    'recurrent-onnx.vocabulary',
    'recurrent-onnx.training',
  ]);
  expect(JSON.parse(new Map(entries).get('recurrent-onnx.labels') ?? '')).toEqual(model.labels);
});

describe('metadata that cannot be used', () => {
  const changes: Readonly<Record<string, (entries: Map<string, string>) => void>> = {
    'none at all': (entries) => entries.clear(),
    'of another program': (entries) => {
      entries.clear();
      entries.set('author', 'somebody');
    },
    'of a newer format': (entries) => entries.set('recurrent-onnx.format', '2'),
    'of no format': (entries) => entries.delete('recurrent-onnx.format'),
    'of format 0': (entries) => entries.set('recurrent-onnx.format', '0'),
    'without spec': (entries) => entries.delete('recurrent-onnx.spec'),
    'without labels': (entries) => entries.delete('recurrent-onnx.labels'),
    'without vocabulary': (entries) => entries.delete('recurrent-onnx.vocabulary'),
    'without preprocessing': (entries) => entries.delete('recurrent-onnx.preprocessing'),
    'without a training record, not even null': (entries) => entries.delete('recurrent-onnx.training'),
    'with an unknown entry': (entries) => entries.set('recurrent-onnx.colour', '"red"'),
    'with labels that are no JSON': (entries) => entries.set('recurrent-onnx.labels', '["ham"'),
    'with labels that are no texts': (entries) => entries.set('recurrent-onnx.labels', '[1, 2, 3]'),
    'with too few labels': (entries) => entries.set('recurrent-onnx.labels', '["ham", "spam"]'),
    'with a label twice': (entries) => entries.set('recurrent-onnx.labels', '["a", "b", "a"]'),
    'with a word twice': (entries) => entries.set('recurrent-onnx.vocabulary', '["a", "a"]'),
    'with an unknown layer': (entries) =>
      entries.set('recurrent-onnx.spec', '{"version":1,"name":"x","layers":[{"type":"lambda"},{"type":"dense"}]}'),
    'with JSON that is very deep': (entries) =>
      entries.set('recurrent-onnx.spec', `${'['.repeat(200_000)}${']'.repeat(200_000)}`),
    'with an out-of-vocabulary id that the model does not have': (entries) =>
      entries.set(
        'recurrent-onnx.preprocessing',
        JSON.stringify({ ...model.preprocessing, tokenizer: { ...model.preprocessing.tokenizer, oovId: 9 } }),
      ),
    'with words that begin above the ids': (entries) =>
      entries.set(
        'recurrent-onnx.preprocessing',
        JSON.stringify({ ...model.preprocessing, tokenizer: { ...model.preprocessing.tokenizer, firstWordId: 9 } }),
      ),
  };
  test.each(Object.entries(changes))('%s', (_, change) => {
    expect(() => readMetadata(withMetadata(change))).toThrow(expect.objectContaining({ code: 'METADATA_INVALID' }));
  });

  test('with an entry twice', () => {
    const graph = decodeOnnx(exportOnnx(model));
    const twice = encodeOnnx({ ...graph, metadata: [...graph.metadata, ...graph.metadata.slice(3, 4)] });
    expect(() => readMetadata(twice)).toThrow(/recurrent-onnx.labels is there twice/);
  });
});

test('bytes that are no UTF-8 are damage, and not other words', () => {
  const file = Buffer.from(exportOnnx(model));
  const at = file.indexOf('naïve');
  file[at + 3] = 0xff; // in the middle of ï
  expect(() => readMetadata(file)).toThrow(expect.objectContaining({ code: 'ONNX_INVALID' }));
});

test('entries of others do no harm', () => {
  expect(readMetadata(withMetadata((entries) => entries.set('author', 'somebody'))).labels).toEqual(model.labels);
});
