/** Class weights, penalties and clipping against some steps of Keras, in every engine (tools/fixtures/keras_steps.py). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { planModel } from '../../models/plan.ts';
import { parseSpec } from '../../models/spec.ts';
import type { Tensor, Weights } from '../../models/weights.ts';
import type { EngineProvider } from '../../src/training/engine.ts';
import { jsEngine } from '../../src/training/engines/js/engine.ts';
import { onnxruntimeEngine } from '../../src/training/engines/onnxruntime/engine.ts';
import { refuseStepOptions } from '../../src/training/engines/select.ts';
import { wasmEngine } from '../../src/training/engines/wasm/engine.ts';
import { sgd } from '../../src/training/optimisers.ts';
import { runOptionsSchema } from '../../src/training/options.ts';
import { balancedWeights, resolveStepOptions } from '../../src/training/resolve-step-options.ts';
import { adjustGradients } from '../../src/training/step-options.ts';

interface Fixture {
  readonly name: string;
  readonly classes: number;
  readonly options: {
    readonly classWeights: readonly number[] | null;
    readonly l2: Readonly<Record<string, number>> | null;
    readonly globalClipNorm?: number;
    readonly clipValue?: number;
  };
  readonly learningRate: number;
  readonly start: Readonly<Record<string, readonly number[]>>;
  readonly batches: readonly { readonly ids: readonly number[]; readonly targets: readonly number[] }[];
  readonly losses: readonly number[];
  readonly end: Readonly<Record<string, readonly number[]>>;
}

interface Clipped {
  readonly name: string;
  readonly gradients: readonly (readonly number[])[];
  readonly byNorm: readonly (readonly number[])[];
  readonly byValue: readonly (readonly number[])[];
}

const read = (file: string) => JSON.parse(readFileSync(new URL(`../fixtures/layers/${file}`, import.meta.url), 'utf8'));
const { source, cases } = read('steps.json') as { source: string; cases: (Fixture | Clipped)[] };
const steps = cases.filter((one) => 'batches' in one);

/** Five float32 steps of plain gradient descent at rate 0.5, of weights of the order of 1: some ten roundings of 6e-8. */
const tolerance = 2e-6;

const time = 4;

const labels = ['a', 'b', 'c'];

function planOf(classes: number) {
  const head =
    classes === 2 ? { units: 1, activation: 'sigmoid' as const } : { units: 3, activation: 'softmax' as const };
  return planModel(
    parseSpec({
      version: 1,
      name: 'steps',
      layers: [
        { type: 'embedding', inputDim: 9, outputDim: 3 },
        { type: 'simpleRnn', units: 4 },
        { type: 'dense', ...head },
      ],
    }),
  );
}

async function run(provider: EngineProvider, threads: number, { classes, options, start, batches, ...given }: Fixture) {
  const plan = planOf(classes);
  const weights: Weights = new Map(
    plan.parameters.map(({ name, shape }) => [name, { shape, data: Float32Array.from(start[name] ?? []) }]),
  );
  const { classWeights, l2, ...clip } = options;
  const own = labels.slice(0, classes);
  const run = runOptionsSchema.parse({
    ...clip,
    ...(classWeights && { classWeights: Object.fromEntries(own.map((label, index) => [label, classWeights[index]])) }),
    ...(l2 && { l2 }),
  });
  const stepOptions = resolveStepOptions(run, plan, { targets: [0, 1], labels: own });
  const engine = await provider.prepare({ spec: plan.spec, weights, optimiser: sgd, threads, stepOptions });
  try {
    const losses: number[] = [];
    for (const [step, { ids, targets }] of batches.entries()) {
      const batch = { rows: 6, time, ids: Int32Array.from(ids), targets: Int32Array.from(targets) };
      const { loss } = await engine.step(batch, { seed: 0, epoch: 0, step }, given.learningRate);
      losses.push(loss);
    }
    return { losses, weights: (await engine.state()).weights };
  } finally {
    await engine.dispose();
  }
}

describe.each([
  [jsEngine, 1],
  [wasmEngine, 1],
  [onnxruntimeEngine, 2],
] as const)(`${source}, engine %o, threads %i`, (provider, threads) => {
  it.each(steps)('$name', async (fixture) => {
    const { losses, weights } = await run(provider, threads, fixture);
    for (const [step, loss] of fixture.losses.entries()) {
      expect(Math.abs((losses[step] as number) - loss), `step ${step}`).toBeLessThan(tolerance);
    }
    for (const [name, expected] of Object.entries(fixture.end)) {
      const { data } = weights.get(name) as Tensor;
      expect(data).toHaveLength(expected.length);
      data.forEach((value, i) => {
        expect(Math.abs(value - (expected[i] as number)), `${name} ${i}`).toBeLessThan(tolerance);
      });
    }
  });
});

describe('clipping', () => {
  it.each(cases.filter((one) => 'byNorm' in one))('$name', ({ gradients, byNorm, byValue }) => {
    for (const [options, expected] of [
      [{ globalClipNorm: 1 }, byNorm],
      [{ clipValue: 0.3 }, byValue],
    ] as const) {
      const clipped = gradients.map((values) => Float32Array.from(values));
      adjustGradients(
        options,
        clipped.map((gradient, i) => ({ name: String(i), weight: gradient, gradient })),
      );
      for (const [i, values] of expected.entries()) {
        // PyTorch adds 1e-6 to the length that it divides by
        for (const [j, value] of values.entries()) expect(clipped[i]?.[j]).toBeCloseTo(value, 5);
      }
    }
  });
});

describe('balanced class weights', () => {
  const fixtures = (read('metrics.json') as { cases: { targets: number[]; balanced: Record<string, number> }[] }).cases;
  it.each(fixtures)("are scikit-learn's (%#)", ({ targets, balanced }) => {
    const weights = balancedWeights(targets, 4);
    for (const [label, weight] of weights.entries()) expect(weight).toBeCloseTo(balanced[label] ?? 1, 12);
  });
});

describe('options of a step', () => {
  const resolve = (options: object, classes = 2) =>
    resolveStepOptions(runOptionsSchema.parse(options), planOf(classes), {
      targets: [0, 1, 1, 1],
      labels: ['ham', 'spam'],
    });

  it('are said by label and by kind of weight', () => {
    expect(resolve({ classWeights: { spam: 3 } }).classWeights).toEqual([1, 3]);
    expect(resolve({ classWeights: 'balanced' }).classWeights).toEqual([2, 2 / 3]);
    expect([...(resolve({ l2: 0.5 }).l2 ?? [])]).toEqual([
      ['simple_rnn/kernel', 0.5],
      ['dense/kernel', 0.5],
      ['simple_rnn/recurrent_kernel', 0.5],
      ['embedding/embeddings', 0.5],
    ]);
    expect([...(resolve({ l2: { recurrentKernel: 1 } }).l2 ?? [])]).toEqual([['simple_rnn/recurrent_kernel', 1]]);
    expect(resolve({ l2: 0 }).l2).toBeUndefined();
    expect(resolve({})).toEqual({});
  });

  it('that do not fit are refused by name', () => {
    const code = (expected: string) => expect.objectContaining({ code: expected });
    expect(() => resolve({ classWeights: { eggs: 2 } })).toThrowError(code('OPTION_INVALID'));
    const bare = planModel(
      parseSpec({
        version: 1,
        name: 'bare',
        layers: [
          { type: 'oneHot', depth: 5 },
          { type: 'gru', units: 2 },
          { type: 'dense', units: 1 },
        ],
      }),
    );
    const given = runOptionsSchema.parse({ l2: { embeddings: 0.1 } });
    expect(() => resolveStepOptions(given, bare, { targets: [0, 1], labels: ['a', 'b'] })).toThrowError(
      code('OPTION_UNSUPPORTED'),
    );
  });

  it('that an engine does not honour are its reason not to run', () => {
    const unable = { honours: { ...jsEngine.honours, l2: false, clipValue: false } };
    expect(refuseStepOptions(unable, { l2: new Map(), globalClipNorm: 1 })).toBe('it does not honour l2');
    expect(refuseStepOptions(unable, { globalClipNorm: 1 })).toBeUndefined();
    expect(refuseStepOptions(unable)).toBeUndefined();
  });
});
