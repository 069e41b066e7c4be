/** Thresholds and top-k: what a row of probabilities becomes. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import { type Classifier, type DecideOptions, loadClassifier } from '../../runtime/index.ts';
import { createJudge } from '../../runtime/predict/prediction.ts';
import { modelOf } from '../support/trained-model.ts';

const labels = ['ham', 'spam'];
const counts = { words: 1, knownWords: 1 };

let classifier: Classifier;
beforeAll(async () => {
  const model = modelOf([
    { type: 'embedding', inputDim: 30, outputDim: 4 },
    { type: 'lstm', units: 5 },
    { type: 'dense', units: 4, activation: 'softmax' },
  ]);
  classifier = await loadClassifier(exportOnnx(model), { providers: 'cpu' });
});
afterAll(() => classifier.dispose());

test.each<[string, DecideOptions['threshold'], number, string | null, number]>([
  ['one for all, reached', 0.6, 0.7, 'spam', 0.7],
  ['one for all, missed by both', 0.8, 0.7, null, 0.7],
  ['of one class, reached', { spam: 0.7 }, 0.7, 'spam', 0.7],
  ['of one class, missed: the other, whatever its probability', { spam: 0.9 }, 0.7, 'ham', 0.3],
  ['that calls a class early', { ham: 0.99 }, 0.2, 'spam', 0.2],
  ['of no class', {}, 0.7, 'spam', 0.7],
  ['of 0', 0, 0.5, 'ham', 0.5],
])('a threshold %s', (_, threshold, spam, label, probability) => {
  const decision = createJudge(labels, { threshold })(Float64Array.of(spam) as unknown as Float32Array, counts);
  expect(decision.label).toBe(label);
  expect(decision.probability).toBeCloseTo(probability, 12);
});

test.each<[string, readonly string[], readonly number[], object]>([
  ['two', ['-1', '1'], [0.25], { label: '-1', probability: 0.75, top: ['-1', '1'] }],
  ['three', ['-1', '0', '1'], [0.125, 0.25, 0.625], { label: '1', probability: 0.625, top: ['1', '0', '-1'] }],
  ['many', ['1', '10', '2'], [0.1875, 0.5625, 0.25], { label: '10', probability: 0.5625, top: ['10', '2', '1'] }],
])('%s labels that are numbers keep their own probabilities, though an object orders them otherwise', (_, ...given) => {
  const [names, probabilities, { top, ...expected }] = given as [string[], number[], { top: string[] }];
  const judge = createJudge(names, { topK: names.length, threshold: 0.5 });
  const decision = judge(Float32Array.from(probabilities), counts);
  expect(decision).toMatchObject(expected);
  expect(decision.top?.map(({ label }) => label)).toEqual(top);
  for (const { label, probability } of decision.top ?? []) expect(decision.scores[label]).toBe(probability);
});

test('of several classes, the label is the most probable of those that reach theirs, and top is in falling order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 29 })),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 1, max: 6 }),
      async (ids, threshold, topK) => {
        const text = ids.map((id) => `w${id}`).join(' ');
        const plain = await classifier.predict(text);
        const decision = await classifier.predict(text, { threshold, topK });
        const ranked = Object.entries(plain.scores).sort(([, a], [, b]) => b - a);
        expect(decision.top?.map(({ label, probability }) => [label, probability])).toEqual(ranked.slice(0, topK));
        expect(decision.label).toBe(plain.probability >= threshold ? plain.label : null);
        expect(decision.probability).toBe(plain.probability);
        expect(decision.scores).toEqual(plain.scores);
      },
    ),
    { numRuns: 50 },
  );
});

test('batches and streams decide alike', async () => {
  const texts = ['w1 w2', 'w3', ''];
  const options = { threshold: { 'class 2': 0.9 }, topK: 2 };
  const one = await Promise.all(texts.map((text) => classifier.predict(text, options)));
  const batch = await classifier.predictBatch(texts, options);
  const streamed: unknown[] = [];
  for await (const each of classifier.predictStream(texts, options)) streamed.push(each);
  expect(batch.map(({ label, top }) => [label, top?.length])).toEqual(one.map(({ label }) => [label, 2]));
  expect(streamed).toEqual(batch);
});

test.each<[string, object, string]>([
  ['a class that the model does not have', { threshold: { eggs: 0.5 } }, 'OPTION_INVALID'],
  ['more than certainty', { threshold: 1.1 }, 'OPTION_INVALID'],
  ['not a number', { threshold: Number.NaN }, 'OPTION_INVALID'],
  ['no classes', { topK: 0 }, 'OPTION_INVALID'],
  ['an option of another spelling', { topk: 3 }, 'OPTION_UNKNOWN'],
])('%s is refused', async (_, options, code) => {
  await expect(classifier.predict('w1', options)).rejects.toMatchObject({ code });
  await expect(classifier.predictBatch(['w1'], options)).rejects.toMatchObject({ code });
});
