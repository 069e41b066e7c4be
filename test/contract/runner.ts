/**
 * The suite that every parity runner must pass. The oracle is the float64 reference; the reference itself is held
 * against the js engine here, and against Keras and PyTorch in its own tests.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import type { ModelSpec, SpecInput } from '../../models/layers.ts';
import { planModel } from '../../models/plan.ts';
import { parseSpec } from '../../models/spec.ts';
import type { Weights } from '../../models/weights.ts';
import { compareOutputs } from '../../src/parity/compare.ts';
import type { Outputs, Runner, RunnerSession, Subject } from '../../src/parity/runner.ts';
import { runners } from '../../src/parity/runners.ts';
import { tolerances } from '../../src/parity/tolerances.ts';
import {
  activationsWithinOne,
  arbitraryCase,
  boundedActivations,
  materialise,
  randomBatch,
  randomWeights,
  scaledBy,
} from '../support/arbitrary-spec.ts';
import { trainedModel } from '../support/trained-model.ts';

export function subjectOf(spec: ModelSpec, weights: Weights = randomWeights(spec, 1)): Subject {
  const model = trainedModel(spec, weights);
  return { model, onnx: exportOnnx(model) };
}

export function specOf(...layers: SpecInput['layers']): ModelSpec {
  return parseSpec({ version: 1, name: 'contract', layers });
}

const embedding = { type: 'embedding', inputDim: 12, outputDim: 4, maskZero: true } as const;
const head = { type: 'dense', units: 1, activation: 'sigmoid' } as const;

const specs: Readonly<Record<string, ModelSpec>> = {
  'simpleRnn, all steps, max pooling': specOf(
    embedding,
    { type: 'simpleRnn', units: 5, returnSequences: true },
    { type: 'pooling', kind: 'max' },
    head,
  ),
  'lstm, backwards, two biases': specOf(embedding, { type: 'lstm', units: 5, goBackwards: true, bias: 'double' }, head),
  'gru, reset after': specOf(embedding, { type: 'gru', units: 5 }, head),
  'gru, reset before, no mask': specOf(
    { ...embedding, maskZero: false },
    { type: 'gru', units: 5, resetAfter: false },
    head,
  ),
  'bidirectional stack, softmax': specOf(
    embedding,
    { type: 'bidirectional', layer: { type: 'lstm', units: 3, returnSequences: true } },
    { type: 'dropout', rate: 0.5 },
    { type: 'bidirectional', layer: { type: 'gru', units: 3 }, mergeMode: 'ave' },
    { type: 'dense', units: 3, activation: 'softmax' },
  ),
  'one-hot, simpleRnn': specOf(
    { type: 'oneHot', depth: 12 },
    { type: 'simpleRnn', units: 5, activation: 'relu', dropout: 0.5 },
    { type: 'dense', units: 3 },
  ),
  'average pooling, hidden layer': specOf(
    embedding,
    { type: 'pooling', kind: 'average' },
    { type: 'dense', units: 4, activation: 'relu' },
    head,
  ),
};

const stacked = specs['bidirectional stack, softmax'] as ModelSpec;
const simple = specs['simpleRnn, all steps, max pooling'] as ModelSpec;

/**
 * A row's numbers may depend on its batch mates by so much: libraries add in another order for another batch size.
 * 5e-7 was seen in onnxruntime's RNN.
 */
const batchBound = 1e-6;

/** Adds the suite for `runner`, or says why it cannot run here. */
export async function describeRunner(runner: Runner, { cases }: { readonly cases: number }): Promise<void> {
  const reason = await runner.refusal(subjectOf(simple));
  if (reason !== undefined) {
    console.log(`runner ${runner.name} is skipped: ${reason}`);
    describe.skip(`runner ${runner.name}: ${reason}`, () => it('runs', () => {}));
    return;
  }
  const oracle = runner.name === 'reference' ? runners.js : runners.reference;

  async function withSession<T>(
    subject: Subject,
    use: (session: RunnerSession) => Promise<T>,
    on = runner,
  ): Promise<T> {
    const session = await on.open(subject);
    try {
      return await use(session);
    } finally {
      await session.dispose();
    }
  }

  async function agreesWithOracle(subject: Subject, ids: Int32Array, rows: number, time: number): Promise<void> {
    const [actual, expected] = await Promise.all(
      [runner, oracle].map((on) => withSession(subject, (session) => session.run(ids, rows, time), on)),
    );
    const { outputs } = planModel(subject.model.spec).head;
    const { overTolerance, notFinite } = compareOutputs(
      expected as Outputs,
      actual as Outputs,
      outputs,
      tolerances.float32,
    );
    expect({ overTolerance, notFinite }).toEqual({ overTolerance: [], notFinite: [] });
  }

  describe(`runner ${runner.name}`, () => {
    it('says in one line what runs', () =>
      withSession(subjectOf(simple), async ({ description }) => expect(description).toMatch(/^\S.*\S$/)));

    describe.each(Object.entries(specs))('%s', (_, spec) => {
      const subject = subjectOf(spec);
      it.each([
        [1, 1],
        [1, 9],
        [3, 2],
        [7, 1],
        [7, 9],
      ])('%i rows of %i steps, padded anywhere, give the numbers of the oracle', async (rows, time) => {
        await agreesWithOracle(subject, randomBatch(spec, rows, time, rows + time).ids, rows, time);
      });

      it('gives the probabilities that belong to its logits', () =>
        withSession(subject, async (session) => {
          const { outputs } = planModel(spec).head;
          const { logits, probabilities } = await session.run(randomBatch(spec, 7, 5, 2).ids, 7, 5);
          expect(logits).toHaveLength(7 * outputs);
          for (let row = 0; row < 7; row++) {
            const own = Array.from(logits.slice(row * outputs, (row + 1) * outputs));
            const odds = outputs === 1 ? [0, ...own] : own;
            const total = odds.reduce((sum, logit) => sum + Math.exp(logit), 0);
            own.forEach((logit, column) => {
              expect(probabilities[row * outputs + column]).toBeCloseTo(Math.exp(logit) / total, 6);
            });
          }
        }));
    });

    it.each([
      ['activations within 1', activationsWithinOne, 1],
      ['bounded activations and small weights', boundedActivations, 0.25],
    ] as const)(`computes any model with %s (${cases} at random)`, async (_, activations, scale) => {
      await fc.assert(
        fc.asyncProperty(arbitraryCase({ activations }), async (modelCase) => {
          const { weights, batch } = materialise(modelCase);
          const subject = subjectOf(modelCase.spec, scaledBy(scale, weights));
          await agreesWithOracle(subject, batch.ids, batch.rows, batch.time);
        }),
        { numRuns: cases },
      );
    });

    it('repeats bit for bit, in one session and in another', async () => {
      const subject = subjectOf(stacked);
      const { ids } = randomBatch(stacked, 7, 6, 3);
      const [first, second] = await withSession(subject, async (session) => [
        await session.run(ids, 7, 6),
        await session.run(ids, 7, 6),
      ]);
      expect(second).toEqual(first);
      expect(await withSession(subject, (session) => session.run(ids, 7, 6))).toEqual(first);
    });

    it('gives runs at the same time what they get alone', () =>
      withSession(subjectOf(stacked), async (session) => {
        const batches = [1, 3, 7, 2].map((rows, seed) => randomBatch(stacked, rows, 4 + seed, seed));
        const alone: Outputs[] = [];
        for (const { ids, rows, time } of batches) alone.push(await session.run(ids, rows, time));
        expect(await Promise.all(batches.map(({ ids, rows, time }) => session.run(ids, rows, time)))).toEqual(alone);
      }));

    it('leaves the ids alone, and lets the caller reuse them at once', () =>
      withSession(subjectOf(simple), async (session) => {
        const { ids } = randomBatch(simple, 3, 5, 4);
        const expected = await session.run(ids.slice(), 3, 5);
        const given = ids.slice();
        const running = session.run(given, 3, 5);
        expect(given).toEqual(ids);
        given.fill(1);
        expect(await running).toEqual(expected);
      }));

    it(`gives a row the same numbers in any batch, within ${batchBound}`, () =>
      withSession(subjectOf(simple), async (session) => {
        const [rows, time] = [7, 9];
        const { ids } = randomBatch(simple, rows, time, 5);
        const together = await session.run(ids, rows, time);
        for (let row = 0; row < rows; row++) {
          const { probabilities } = await session.run(ids.slice(row * time, (row + 1) * time), 1, time);
          expect(Math.abs((probabilities[0] as number) - (together.probabilities[row] as number))).toBeLessThan(
            batchBound,
          );
        }
      }));

    it.each([
      ['no rows', [], 0, 3],
      ['no time steps', [], 3, 0],
      ['too few ids', [1, 2, 3], 2, 2],
      ['an id below 0', [1, -1], 1, 2],
      ['an id beyond the vocabulary', [1, 12], 1, 2],
    ])('refuses %s', (_, ids, rows, time) =>
      withSession(subjectOf(simple), async (session) => {
        await expect(session.run(Int32Array.from(ids), rows, time)).rejects.toMatchObject({ code: 'INPUT_INVALID' });
      }),
    );

    it('ends once, alone, and refuses work afterwards', async () => {
      const subject = subjectOf(simple);
      const { ids } = randomBatch(simple, 2, 3, 6);
      await withSession(subject, async (other) => {
        const session = await runner.open(subject);
        const before = await session.run(ids, 2, 3);
        await session.dispose();
        await session.dispose();
        await expect(session.run(ids, 2, 3)).rejects.toMatchObject({ code: 'DISPOSED' });
        expect(await other.run(ids, 2, 3)).toEqual(before);
      });
    });

    it('refuses a damaged model', async () => {
      const { model, onnx } = subjectOf(simple);
      const weights = new Map(model.weights);
      weights.delete('dense/bias');
      const damaged = { model: { ...model, weights }, onnx: onnx.slice(0, -100) };
      const work = withSession(damaged, (session) => session.run(Int32Array.of(1), 1, 1));
      await expect(work).rejects.toMatchObject({ code: expect.stringMatching(/^(WEIGHTS|ONNX)_INVALID$/) });
    });
  });
}
