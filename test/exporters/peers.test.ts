/**
 * Python as a peer: the checker of the ONNX project looks at what is exported, and the program of docs/onnx-file.md runs it.
 * Skipped where Python or a package is absent.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import { metadataProps } from '../../models/metadata/metadata.ts';
import type { TrainedModel } from '../../models/model.ts';
import { loadClassifier } from '../../runtime/predict/classifier.ts';
import { arbitrarySpec } from '../support/arbitrary-spec.ts';
import { needPython, runPython } from '../support/python.ts';
import { modelOf, trainedModel } from '../support/trained-model.ts';

const script = fileURLToPath(new URL('../../tools/peers/check_onnx.py', import.meta.url));
const handbook = fileURLToPath(new URL('../../docs/onnx-file.md', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onnx-peers-'));
});
afterAll(() => rm(folder, { recursive: true }));

test("ONNX' own checker finds no fault in any spec at any opset, nor with states, and does find a broken file", async (context) => {
  await needPython(context, 'onnx');
  const specs = fc.sample(fc.tuple(arbitrarySpec(), fc.integer({ min: 14, max: 22 })), 200);
  const files = await Promise.all(
    specs.map(async ([spec, opset], index) => {
      const path = join(folder, `${index}.onnx`);
      await writeFile(path, exportOnnx(trainedModel(spec), { opset }));
      return path;
    }),
  );
  for (const type of ['simpleRnn', 'lstm', 'gru'] as const) {
    for (const maskZero of [false, true]) {
      const embedding = { type: 'embedding', inputDim: 9, outputDim: 3, maskZero } as const;
      const stacked = { type, units: 4, returnSequences: true } as const;
      const model = modelOf([embedding, stacked, { type, units: 2 }, { type: 'dense', units: 1 }]);
      const preprocessing = { ...model.preprocessing, padding: 'post' } as const;
      files.push(join(folder, `states-${type}-${maskZero}.onnx`));
      await writeFile(files.at(-1) ?? '', exportOnnx({ ...model, preprocessing }, { states: true }));
    }
  }
  const broken = join(folder, 'broken.onnx');
  const [spec] = specs[0] as (typeof specs)[number];
  await writeFile(broken, exportOnnx(trainedModel(spec)).with(1, 99)); // IR version 99
  const { version, faults } = JSON.parse(await runPython(script, ...files, broken));
  expect(Object.keys(faults)).toEqual([broken]);
  console.log(`onnx ${version} agrees on ${files.length} files`);
});

test('the Python program of the handbook classifies as the classifier does', async (context) => {
  await needPython(context, 'onnxruntime');
  const [, program = ''] = /```python\n([\s\S]*?)```/.exec(await readFile(handbook, 'utf8')) ?? [];
  const head = { type: 'dense', units: 1, activation: 'sigmoid' } as const;
  const base = modelOf([
    { type: 'embedding', inputDim: 12, outputDim: 3, maskZero: true },
    { type: 'bidirectional', layer: { type: 'gru', units: 3 } },
    head,
  ]);
  const tokenizer = { ...base.preprocessing.tokenizer, startId: 1, oovId: 2, firstWordId: 3 };
  const models: TrainedModel[] = [
    { ...base, vocabulary: ['élan', 'w2', 'w3'], preprocessing: { ...base.preprocessing, tokenizer } },
    { ...base, preprocessing: { ...base.preprocessing, padding: 'post', truncating: 'post' } },
    modelOf([
      { type: 'oneHot', depth: 5 },
      { type: 'lstm', units: 2 },
      { type: 'dense', units: 3 },
    ]),
  ];
  for (const model of models) {
    const path = join(folder, 'classifier.onnx');
    await writeFile(path, exportOnnx(model));
    const classifier = await loadClassifier(path, { providers: 'cpu' });
    for (const text of ['W2, ÉLAN! unknown w3', 'w1 w2 w3 w4 w5 w6 w7 w8', '']) {
      const { scores } = await classifier.predict(text);
      const seen = JSON.parse(await runPython('-c', program, path, text)) as Record<string, number>;
      expect(Object.keys(seen)).toEqual(Object.keys(scores));
      // two releases of onnxruntime may round otherwise
      for (const [label, score] of Object.entries(scores)) expect(seen[label]).toBeCloseTo(score, 6);
    }
    await classifier.dispose();
  }
});

test('the handbook lists the keys that are written', async () => {
  const listed = [...(await readFile(handbook, 'utf8')).matchAll(/^\| `(recurrent-onnx\.\w+)` \|/gm)].map(
    ([, key]) => key,
  );
  const model = modelOf([
    { type: 'oneHot', depth: 5 },
    { type: 'lstm', units: 2 },
    { type: 'dense', units: 3 },
  ]);
  expect(listed).toEqual(metadataProps(model).map(([key]) => key));
});
