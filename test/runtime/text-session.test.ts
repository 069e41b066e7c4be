/** A text fed in pieces is what it is whole: exported states against the float64 reference, which knows no pieces. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import { decodeOnnx } from '../../exporters/onnx/decode.ts';
import type { SpecInput } from '../../models/layers.ts';
import type { TrainedModel } from '../../models/model.ts';
import { planModel } from '../../models/plan.ts';
import { createEncoder } from '../../models/text/encoder.ts';
import type { Preprocessing } from '../../models/text/preprocessing.ts';
import { loadClassifier } from '../../runtime/index.ts';
import { openSession } from '../../runtime/onnx/session.ts';
import { createSessionRunner } from '../../runtime/onnx/session-runner.ts';
import { referenceForward } from '../../src/reference/reference.ts';
import { arbitraryCase, materialise, scaledBy } from '../support/arbitrary-spec.ts';
import { modelOf, trainedModel } from '../support/trained-model.ts';

const embedding = { type: 'embedding', inputDim: 30, outputDim: 4 } as const;
const head = { type: 'dense', units: 1, activation: 'sigmoid' } as const;
/** The project's bound for float32 against float64: see test/exporters/values.test.ts. */
const tolerance = 5e-6;

const behind = { padding: 'post', truncating: 'post', maxLength: 12 } as const;
function model(layers: SpecInput['layers'], preprocessing: Partial<Preprocessing> = {}): TrainedModel {
  const made = modelOf(layers);
  return { ...made, preprocessing: { ...made.preprocessing, ...preprocessing } };
}

const startAndOov = { lowercase: 'unicode', filters: '.,!?', startId: 1, oovId: 2, firstWordId: 3 } as const;
const models: Record<string, TrainedModel> = {
  'an LSTM that masks zeros, padded in front': model(
    [{ ...embedding, maskZero: true }, { type: 'lstm', units: 5 }, head],
    {
      maxLength: 12,
    },
  ),
  'a stack that masks zeros': model(
    [
      { ...embedding, maskZero: true },
      { type: 'gru', units: 5, returnSequences: true },
      { type: 'lstm', units: 4 },
      { type: 'dense', units: 3 },
    ],
    behind,
  ),
  'a GRU that reads the zeros behind a text': model([embedding, { type: 'gru', units: 5 }, head], behind),
  'a SimpleRNN with a start and a stand-in for unknown words': model(
    [{ type: 'oneHot', depth: 30 }, { type: 'simpleRnn', units: 5 }, head],
    { ...behind, tokenizer: startAndOov },
  ),
};

describe.each(Object.entries(models))('%s', (_, given) => {
  test('gives after each piece what it gives for all of the text so far', async () => {
    const classifier = await loadClassifier(exportOnnx(given, { states: true }), { providers: 'cpu', threads: 1 });
    const encoder = createEncoder({ ...given, vocabularySize: planModel(given.spec).vocabularySize });
    const word = fc.oneof(
      fc.integer({ min: 1, max: 27 }).map((id) => `w${id}`),
      fc.constant('unknown'),
    );
    const texts = fc.array(fc.array(word, { maxLength: 4 }), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(texts, texts, async (...both) => {
        // two at once, so that their pieces run in one batch
        await Promise.all(
          both.map(async (pieces) => {
            const session = classifier.openText();
            const soFar: string[] = [];
            for (const piece of pieces) {
              soFar.push(...piece);
              const { scores, words } = await session.push(piece.join(' '));
              const { ids } = encoder.encodeAll([soFar.join(' ')]);
              const expected = referenceForward(given, ids, 1, 12).probabilities;
              const actual = Object.values(scores).slice(expected.length === 1 ? 1 : 0);
              for (const [index, p] of expected.entries()) {
                expect(Math.abs((actual[index] ?? Number.NaN) - p)).toBeLessThan(tolerance);
              }
              expect(words).toBe(soFar.length);
            }
          }),
        );
      }),
      { numRuns: 60 },
    );
    await classifier.dispose();
  });

  test('has the same answers for whole texts as the file without states', async () => {
    const [plain, carrying] = await Promise.all(
      [false, true].map((states) => loadClassifier(exportOnnx(given, { states }), { providers: 'cpu', threads: 1 })),
    );
    const texts = ['', 'w1 w2 w3', 'w4 unknown '.repeat(9)];
    expect(await carrying?.predictBatch(texts)).toEqual(await plain?.predictBatch(texts));
    await Promise.all([plain?.dispose(), carrying?.dispose()]);
  });
});

test('rows of ids cut anywhere give the states and numbers of the whole, for any spec that reads forwards', async () => {
  let tried = 0;
  await fc.assert(
    fc.asyncProperty(arbitraryCase({ maskZero: 'sometimes' }), fc.nat(), async (modelCase, cut) => {
      const { spec } = modelCase;
      const forwards = spec.layers.every(
        (layer) =>
          layer.type !== 'bidirectional' && layer.type !== 'pooling' && !('goBackwards' in layer && layer.goBackwards),
      );
      fc.pre(forwards);
      tried++;
      const { weights, batch } = materialise(modelCase);
      const small = scaledBy(0.25, weights);
      const { ids, rows, time } = batch;
      const made = trainedModel(spec, small);
      const file = exportOnnx({ ...made, preprocessing: { ...made.preprocessing, padding: 'post' } }, { states: true });
      const plan = planModel(spec);
      const runner = await createSessionRunner(await openSession(file, { providers: 'cpu', threads: 1 }), plan);
      const expected = referenceForward({ spec, weights: small }, ids, rows, time).probabilities;
      let states = plan.states.map(({ units }) => new Float32Array(rows * units));
      let probabilities = new Float32Array();
      const at = cut % time;
      for (const [from, to] of [
        [0, at],
        [at, time],
      ] as const) {
        if (from === to) continue;
        const piece = Int32Array.from({ length: rows * (to - from) }, (_, index) => {
          const row = Math.floor(index / (to - from));
          return ids[row * time + from + (index % (to - from))] as number;
        });
        const outputs = await runner.run({ ids: piece, rows, time: to - from, states });
        states = (outputs.states ?? []).map((state) => Float32Array.from(state));
        probabilities = Float32Array.from(outputs.probabilities);
      }
      await runner.close();
      for (const [index, p] of expected.entries()) {
        expect(Math.abs((probabilities[index] ?? Number.NaN) - p)).toBeLessThan(tolerance);
      }
    }),
    { numRuns: 60 },
  );
  expect(tried).toBeGreaterThan(20);
});

describe('a text that is longer than the model reads', () => {
  test('is read no further, where it would be cut behind', async () => {
    const classifier = await loadClassifier(
      exportOnnx(models['a GRU that reads the zeros behind a text'] as TrainedModel, { states: true }),
    );
    const session = classifier.openText();
    const full = await session.push('w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12');
    expect((await session.push('w13 w14')).scores).toEqual(full.scores);
    expect(session.length).toBe(12);
    await classifier.dispose();
  });

  test('is refused, where it would be cut in front, unless it may be read on', async () => {
    const lstm = models['an LSTM that masks zeros, padded in front'] as TrainedModel;
    const classifier = await loadClassifier(exportOnnx(lstm, { states: true }));
    const words = Array.from({ length: 15 }, (_, index) => `w${index + 1}`);
    const session = classifier.openText();
    await session.push(words.slice(0, 10).join(' '));
    await expect(session.push(words.slice(10).join(' '))).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    expect(session.length).toBe(10);
    await session.push('w11 w12'); // the refused piece counts as not read
    const unlimited = classifier.openText({ unlimited: true });
    await unlimited.push(words.slice(0, 10).join(' '));
    const { scores } = await unlimited.push(words.slice(10).join(' '));
    const ids = Int32Array.from({ length: 15 }, (_, index) => index + 1);
    const [p = Number.NaN] = referenceForward(lstm, ids, 1, 15).probabilities;
    expect(Math.abs((scores['class 1'] ?? Number.NaN) - p)).toBeLessThan(tolerance);
    await classifier.dispose();
  });
});

test('pieces that are given at once are read one after the other; an aborted one counts as not read', async () => {
  const classifier = await loadClassifier(
    exportOnnx(models['a stack that masks zeros'] as TrainedModel, { states: true }),
  );
  const session = classifier.openText();
  const given = ['w1 w2', 'w3', 'w4 w5'].map((piece) => session.push(piece));
  await expect(session.push('w9', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'INTERRUPTED' });
  await Promise.all(given);
  const whole = await classifier.openText().push('w1 w2 w3 w4 w5 w6');
  const { scores } = await session.push('w6');
  for (const [label, p] of Object.entries(whole.scores)) expect(scores[label]).toBeCloseTo(p, 6);
  await classifier.dispose();
  await expect(session.push('w7')).rejects.toMatchObject({ code: 'DISPOSED' });
});

test.each<[string, SpecInput['layers'], Partial<Preprocessing>, string]>([
  [
    'a bidirectional layer',
    [{ ...embedding, maskZero: true }, { type: 'bidirectional', layer: { type: 'gru', units: 2 } }, head],
    {},
    'LAYER_UNSUPPORTED',
  ],
  [
    'a layer that goes backwards',
    [embedding, { type: 'lstm', units: 2, goBackwards: true }, head],
    behind,
    'LAYER_UNSUPPORTED',
  ],
  [
    'pooling',
    [embedding, { type: 'lstm', units: 2, returnSequences: true }, { type: 'pooling', kind: 'max' }, head],
    behind,
    'LAYER_UNSUPPORTED',
  ],
  [
    'zeros in front that are read',
    [embedding, { type: 'lstm', units: 2 }, head],
    { padding: 'pre' },
    'OPTION_UNSUPPORTED',
  ],
])('%s cannot be read in pieces: the export is refused', (_, layers, preprocessing, code) => {
  expect(() => exportOnnx(model(layers, preprocessing), { states: true })).toThrow(expect.objectContaining({ code }));
});

test('a file without states opens no session, and says how it would', async () => {
  const classifier = await loadClassifier(exportOnnx(models['a stack that masks zeros'] as TrainedModel));
  expect(() => classifier.openText()).toThrow(
    expect.objectContaining({ code: 'OPTION_UNSUPPORTED', hint: expect.stringContaining('--states') }),
  );
  await classifier.dispose();
});

test('states are named inputs and outputs behind those of every file, and still one node a layer', () => {
  const graph = decodeOnnx(exportOnnx(models['a stack that masks zeros'] as TrainedModel, { states: true }));
  expect(graph.inputs.map(({ name, shape }) => [name, ...shape])).toEqual([
    ['ids', 'batch', 'time'],
    ['initial/gru/h', 'batch', 5],
    ['initial/lstm/h', 'batch', 4],
    ['initial/lstm/c', 'batch', 4],
  ]);
  expect(graph.outputs.map(({ name }) => name)).toEqual([
    'logits',
    'probabilities',
    'final/gru/h',
    'final/lstm/h',
    'final/lstm/c',
  ]);
  expect(graph.nodes.filter(({ op }) => op === 'LSTM' || op === 'GRU')).toHaveLength(2);
});
