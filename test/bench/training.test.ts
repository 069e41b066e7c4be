import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Layer, RecurrentLayer } from '../../models/layers.ts';
import { parseSpec } from '../../models/spec.ts';
import { measureMachine } from '../../src/bench/machine.ts';
import { drawTraining } from '../../src/bench/training/bar-chart.ts';
import type { Contender } from '../../src/bench/training/contender.ts';
import { startContenders } from '../../src/bench/training/contenders.ts';
import { drawCurves } from '../../src/bench/training/curve-chart.ts';
import { type Problem, usefulFlops, withoutDropout } from '../../src/bench/training/problem.ts';
import {
  buildProblem,
  listProblems,
  type Outline,
  outlineOfSize,
  recurrentKinds,
  sizes,
} from '../../src/bench/training/problems.ts';
import { runTraining } from '../../src/bench/training/run.ts';
import { errorOf, standardOf } from '../../src/bench/training/standard.ts';
import { describeAbsences, describeTraining } from '../../src/cli/describe/bench.ts';
import { silent } from '../../src/core/progress.ts';
import { tensorflowEngine } from '../../src/training/engines/tensorflow/engine.ts';

const tiny = { rows: 9, time: 5, inputs: 3, units: 4, vocabulary: 12 };
const tinyOutlines = recurrentKinds.map((layer) => outlineOfSize('tiny', layer, tiny, 'uniform'));

afterEach(() => vi.unstubAllEnvs());

async function contendersOf(...names: readonly Contender['name'][]): Promise<readonly Contender[]> {
  const { contenders, absences } = await startContenders(names, [1]);
  expect(absences).toEqual([]);
  return contenders;
}

function run(outlines: readonly Outline[], contenders: readonly Contender[]) {
  return runTraining({ outlines, contenders, texts: undefined, seconds: 0.02, patient: false, progress: silent });
}

describe('runTraining', () => {
  it('compares and times every contender on every problem', async () => {
    const { rows, absences } = await run(tinyOutlines, await contendersOf('wasm', 'js'));
    expect(absences).toEqual([]);
    expect(rows.map(({ layer, contender }) => `${layer} ${contender}`)).toEqual(
      recurrentKinds.flatMap((layer) => [`${layer} wasm`, `${layer} js`]),
    );
    for (const row of rows) {
      expect(row).toMatchObject({ shape: 'tiny', ids: 'uniform', threads: 1 });
      expect(row.p10Ms).toBeGreaterThan(0);
      expect(row.medianMs).toBeGreaterThanOrEqual(row.p10Ms);
      expect(row.p90Ms).toBeGreaterThanOrEqual(row.medianMs);
      expect(row.maxError).toBeGreaterThan(0); // float32 is not float64: 0 would mean that nothing was compared
      expect(row.maxError).toBeLessThan(1e-5);
    }
  });

  it.each(['gradient', 'loss'] as const)('does not time a contender whose %s is wrong', async (what) => {
    const [js] = (await contendersOf('js')) as [Contender];
    const wrong: Contender = {
      ...js,
      name: 'keras',
      async open(problem) {
        const open = await js.open(problem);
        if (typeof open === 'string') return open;
        return {
          ...open,
          async gradients(rows) {
            const { loss, gradients } = await open.gradients(rows);
            const scale = what === 'gradient' ? 1.01 : 1;
            return {
              loss,
              gradients: new Map([...gradients].map(([name, data]) => [name, data.map((g) => g * scale)])),
            };
          },
          async losses(steps, rate) {
            const losses = await open.losses(steps, rate);
            return what === 'loss' ? losses.map((loss, step) => (step === steps - 1 ? loss + 0.01 : loss)) : losses;
          },
        };
      },
    };
    const { rows, absences } = await run(tinyOutlines.slice(0, 1), [js, ...(await contendersOf('wasm')), wrong]);
    expect(rows.map(({ contender }) => contender)).toEqual(['js', 'wasm']);
    expect(absences).toEqual([
      expect.objectContaining({ contender: 'keras', wrong: true, reason: expect.stringMatching(/off by 1\.0e-2/) }),
    ]);
  });

  it('names an engine that has no use for so many threads', async () => {
    const { contenders } = await startContenders(['js'], [1, 2]);
    const { rows, absences } = await run(tinyOutlines.slice(0, 1), contenders);
    expect(rows).toHaveLength(1);
    expect(absences).toEqual([
      expect.objectContaining({ contender: 'js', threads: 2, reason: expect.stringMatching(/at most 1/) }),
    ]);
    expect(describeAbsences([], absences, 1)).toEqual([
      expect.stringMatching(/^not timed: js with 2 threads: engine js/),
    ]);
  });

  it('leaves out steps of many seconds unless it is told to wait', async () => {
    const [js] = await contendersOf('js');
    const slow = { ...(js as Contender), flopsPerSecond: 1 };
    const { rows, absences } = await run(tinyOutlines.slice(0, 1), [slow]);
    expect(rows).toEqual([]);
    expect(absences).toEqual([expect.objectContaining({ reason: expect.stringMatching(/seconds for a step/) })]);
  });
});

describe("the product's engine on TensorFlow", async () => {
  const { reason, threads } = await contenderOnTensorflow();

  it.skipIf(reason !== undefined)(`has the right answers beside TensorFlow.js itself${said(reason)}`, async () => {
    const own = await startContenders(['tensorflow'], [threads]);
    const { contenders } = await startContenders(['js', 'tfjs-cpu'], [1]);
    const { rows, absences } = await run(tinyOutlines.slice(0, 1), [...own.contenders, ...contenders]);
    expect(absences).toEqual([]);
    expect(rows.map(({ contender, threads }) => ({ contender, threads }))).toEqual([
      { contender: 'tensorflow', threads },
      { contender: 'js', threads: 1 },
      { contender: 'tfjs-cpu', threads: 1 },
    ]);
    for (const { maxError } of rows) expect(maxError).toBeLessThan(1e-5);
  });

  it.skipIf(reason !== undefined)(`takes no other number of threads than it has${said(reason)}`, async () => {
    const { contenders } = await startContenders(['tensorflow'], [threads + 1]);
    const { absences } = await run(tinyOutlines.slice(0, 1), contenders);
    expect(absences).toEqual([expect.objectContaining({ contender: 'tensorflow', threads: threads + 1 })]);
  });

  async function contenderOnTensorflow() {
    const threads = tensorflowEngine.mostThreads(64);
    const { absences } = await startContenders(['tensorflow'], [threads]);
    return { threads, reason: absences[0]?.reason };
  }

  function said(reason: string | undefined): string {
    return reason === undefined ? '' : ` (skipped: ${reason})`;
  }
});

it('Keras trains one-hot models, with the right answers', async (context) => {
  const { contenders, absences: missing } = await startContenders(['keras'], [1]);
  if (missing[0]) {
    console.log(`skipped: ${missing[0].reason}`);
    context.skip(missing[0].reason);
  }
  try {
    const [embedded] = tinyOutlines as [Outline];
    const [, ...above] = embedded.spec.layers;
    const layers = [{ type: 'oneHot', depth: tiny.vocabulary }, ...above];
    const oneHot = { ...embedded, shape: 'one-hot', spec: parseSpec({ ...embedded.spec, layers }) };
    const { rows, absences } = await run([oneHot], [...contenders, ...(await contendersOf('js'))]);
    expect(absences).toEqual([]);
    expect(rows.map(({ contender }) => contender)).toEqual(['keras', 'js']);
    for (const { maxError } of rows) expect(maxError).toBeLessThan(1e-5);
  } finally {
    await Promise.all(contenders.map((contender) => contender.close()));
  }
});

describe('a peer that is not there', () => {
  it.each([
    ['no such program', 'no-python-here', /no-python-here.*ENOENT.*pip install -r .*requirements-bench\.txt/],
    ['a program that is no Python', process.execPath, /pip install -r/],
  ])('is reported with a remedy: %s', async (_, interpreter, says) => {
    vi.stubEnv('RECURRENT_PYTHON', interpreter);
    const { contenders, absences } = await startContenders(['pytorch', 'keras'], [1]);
    expect(contenders).toEqual([]);
    expect(absences.map(({ contender }) => contender)).toEqual(['pytorch', 'keras']);
    for (const { reason } of absences) expect(reason).toMatch(says);
  });
});

describe('the problems', () => {
  it('are those of the issue', () => {
    const all = listProblems(
      { shapes: ['A', 'B', 'C', 'spam'], layers: recurrentKinds, ids: ['real', 'uniform'] },
      'imdb',
    );
    expect(all.filter(({ shape }) => shape === 'A').map(({ layer, ids }) => `${layer} ${ids}`)).toEqual([
      ...['lstm imdb', 'lstm uniform', 'gru imdb', 'gru uniform', 'simpleRnn imdb', 'simpleRnn uniform'],
    ]);
    expect(all).toHaveLength(3 * 6 + 1);
    expect(all.at(-1)).toMatchObject({ shape: 'spam-lstm', layer: 'lstm', ids: 'spam' });
  });

  it('count the operations that cannot be avoided', async () => {
    const problem = await buildProblem(outlineOfSize('A', 'lstm', sizes.A, 'uniform'), undefined);
    expect(problem.batches[0]).toMatchObject({ rows: 64, time: 100 });
    // every one of the 500 ids is among 6,400 draws
    expect(usefulFlops(problem)).toBe(6 * 6400 * 8 * 32 + 6 * 500 * 16 * 32);
  });

  it('can be had without dropout', async () => {
    const outline = listProblems({ shapes: ['spam'], layers: ['lstm'], ids: ['real'] }, 'spam')[0] as Outline;
    const problem: Problem = { ...(await buildProblem({ ...outline, ids: 'uniform' }, undefined)), ids: 'spam' };
    expect(problem.spec.layers[1]).toMatchObject({ dropout: 0.2, recurrentDropout: 0.2 });
    expect(withoutDropout(problem).spec.layers[1]).toMatchObject({ dropout: 0, recurrentDropout: 0, units: 16 });
    const { layers } = problem.spec;
    const [embedding, lstm, ...rest] = layers as [Layer, RecurrentLayer, ...Layer[]];
    const bidirectional = { type: 'bidirectional', name: 'both', layer: lstm, mergeMode: 'concat' } as const;
    const both = { ...problem, spec: { ...problem.spec, layers: [embedding, bidirectional, ...rest] } };
    expect(withoutDropout(both).spec.layers[1]).toMatchObject({
      layer: { dropout: 0, recurrentDropout: 0, units: 16 },
    });
    const without = await buildProblem(outlineOfSize('A', 'gru', sizes.A, 'uniform'), undefined);
    expect(withoutDropout(without)).toBe(without);
  });
});

describe('the comparison', () => {
  it('sees an error in a small tensor as well as in a large one', async () => {
    const problem = await buildProblem(tinyOutlines[0] as Outline, undefined);
    const standard = standardOf(problem);
    const exact = new Map([...standard.gradients].map(([name, data]) => [name, Float32Array.from(data)]));
    expect(errorOf({ loss: standard.loss, gradients: exact }, standard)).toBeLessThan(1e-7);
    for (const [name, data] of exact) {
      const largest = data.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
      const moved = data.with(0, (data[0] as number) + 0.01 * largest);
      const gradients = new Map([...exact, [name, moved]]);
      expect(errorOf({ loss: standard.loss, gradients }, standard), name).toBeCloseTo(0.01, 5);
    }
  });

  it('takes what is missing or no number for wrong', async () => {
    const problem = await buildProblem(tinyOutlines[0] as Outline, undefined);
    const standard = standardOf(problem);
    const exact = new Map([...standard.gradients].map(([name, data]) => [name, Float32Array.from(data)]));
    const [[name, data]] = exact as unknown as [[string, Float32Array]];
    const missing = new Map([...exact].slice(1));
    const broken = new Map([...exact, [name, data.with(0, Number.NaN)]]);
    for (const gradients of [missing, broken]) {
      expect(errorOf({ loss: standard.loss, gradients }, standard)).toBe(Number.POSITIVE_INFINITY);
    }
    expect(errorOf({ loss: Number.NaN, gradients: exact }, standard)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('what people see', () => {
  it('has a line and a bar for every row', async () => {
    const machine = await measureMachine(await contendersOf('wasm'));
    const { rows } = await run(tinyOutlines, await contendersOf('wasm', 'js'));
    const lines = describeTraining(rows, machine).split('\n');
    expect(lines.filter((line) => /█$/.test(line))).toHaveLength(rows.length);
    const chart = drawTraining(rows, machine);
    expect(chart.match(/<rect/g)).toHaveLength(rows.length + 1);
    expect(chart).not.toMatch(/NaN|Infinity|undefined/);

    const points = rows.map(({ shape: _, ids: __, ...row }, index) => ({
      ...row,
      over: 'units' as const,
      value: 2 ** index,
    }));
    const curves = drawCurves(points, machine);
    expect(curves.match(/<polyline/g)).toHaveLength(rows.length); // each layer has its panel
    expect(curves).not.toMatch(/NaN|Infinity|undefined/);
  });
});
