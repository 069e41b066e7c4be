/**
 * Where nodes ran, read from real profiles of the CPU provider. No GPU is needed to see what is made of a profile of the
 * CUDA provider: those here are constructed, by the documented form of a profile, from a real one of the CPU.
 * `npm run test:gpu` looks at real ones.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import type { SpecInput } from '../../models/layers.ts';
import type { TrainedModel } from '../../models/model.ts';
import { describeFallback, recurrentFallbacks, refuseFallbacks } from '../../runtime/onnx/fallbacks.ts';
import { loadOrt } from '../../runtime/onnx/ort.ts';
import { profilePlacement, readProfile } from '../../runtime/onnx/placement.ts';
import { cachedPlacement } from '../../runtime/onnx/placement-cache.ts';
import { loadClassifier } from '../../runtime/predict/classifier.ts';
import { modelOf } from '../support/trained-model.ts';

const embedding = { type: 'embedding', inputDim: 9, outputDim: 2, maskZero: true } as const;
const head = { type: 'dense', units: 1 } as const;
const stack = modelOf([
  embedding,
  { type: 'lstm', units: 2, returnSequences: true },
  { type: 'bidirectional', name: 'both', layer: { type: 'gru', units: 2, resetAfter: false, returnSequences: true } },
  { type: 'simpleRnn', name: 'last', units: 2, activation: 'relu' },
  head,
]);
const ids = { dataType: 'int32', dims: [1, 6], data: Int32Array.of(0, 1, 2, 3, 4, 5) } as const;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'placement-'));
  process.env.XDG_CACHE_HOME = join(folder, 'cache');
});
afterAll(async () => {
  delete process.env.XDG_CACHE_HOME;
  await rm(folder, { recursive: true, force: true });
});

/** A real profile of one run on the CPU, as onnxruntime wrote it. */
async function realProfile(model: TrainedModel): Promise<string> {
  const ort = await loadOrt();
  const own = await mkdtemp(join(folder, 'profile-'));
  const session = await ort.InferenceSession.create(exportOnnx(model), {
    executionProviders: ['cpu'],
    enableProfiling: true,
    profileFilePrefix: join(own, 'run'),
  });
  await session.run({ ids: new ort.Tensor('int32', ids.data, ids.dims) });
  session.endProfiling();
  await session.release();
  const [file] = await readdir(own);
  return readFile(join(own, file as string), 'utf8');
}

interface Event {
  readonly cat: string;
  readonly name: string;
  readonly args?: { readonly op_name?: string; readonly provider?: string };
}

/**
 * Constructed: the profile as it is documented for a session on CUDA, where all nodes but those of `onCpu` ran on the
 * device, with copies between the two and events of the device's kernels.
 */
function cudaProfile(cpuProfile: string, onCpu: readonly string[]): string {
  const events = JSON.parse(cpuProfile) as Event[];
  const moved = events.map((event) =>
    event.args?.provider && !onCpu.some((node) => event.name.startsWith(`${node}_`))
      ? { ...event, args: { ...event.args, provider: 'CUDAExecutionProvider' } }
      : event,
  );
  const copy = (name: string) => ({
    cat: 'Node',
    pid: 1,
    tid: 1,
    dur: 20,
    ts: 1,
    ph: 'X',
    name: `${name}_kernel_time`,
    args: { op_name: name.replace(/_.*/, ''), provider: 'CUDAExecutionProvider' },
  });
  const kernel = {
    cat: 'Kernel',
    pid: 1,
    tid: 7,
    dur: 5,
    ts: 2,
    ph: 'X',
    name: 'gemv2T_kernel',
    args: { stream: '7' },
  };
  return JSON.stringify([...moved, copy('MemcpyToHost_1'), copy('MemcpyFromHost_2'), kernel]);
}

describe('readProfile', () => {
  test('gives every node of a real profile once, with its operator and provider', async () => {
    const placed = readProfile(await realProfile(stack));
    expect(placed.filter(({ op }) => ['LSTM', 'GRU', 'RNN'].includes(op))).toEqual([
      { node: 'lstm/LSTM', op: 'LSTM', provider: 'CPUExecutionProvider' },
      { node: 'both/GRU', op: 'GRU', provider: 'CPUExecutionProvider' },
      { node: 'last/RNN', op: 'RNN', provider: 'CPUExecutionProvider' },
    ]);
    expect(new Set(placed.map(({ node }) => node)).size).toBe(placed.length);
    expect(placed.map(({ op }) => op)).not.toContain('');
  });

  test('counts a node once, however often it ran', async () => {
    const text = await realProfile(stack);
    const twice = JSON.stringify([...JSON.parse(text), ...JSON.parse(text)]);
    expect(readProfile(twice)).toEqual(readProfile(text));
  });

  test('takes the nodes of a profile of CUDA, and leaves events of the device alone', async () => {
    const placed = readProfile(cudaProfile(await realProfile(stack), ['both/GRU']));
    const providerOf = (node: string) => placed.find((each) => each.node === node)?.provider;
    expect(providerOf('lstm/LSTM')).toBe('CUDAExecutionProvider');
    expect(providerOf('both/GRU')).toBe('CPUExecutionProvider');
    expect(providerOf('MemcpyToHost_1')).toBe('CUDAExecutionProvider');
    expect(placed.map(({ node }) => node)).not.toContain('gemv2T_kernel');
  });

  test.each(['', '{', '[]', '{}', 'null', '[{"cat": "Session"}]', '[{"cat": "Node", "name": "a_kernel_time"}]'])(
    'refuses %s',
    (text) => {
      expect(() => readProfile(text)).toThrow(expect.objectContaining({ code: 'RUNTIME_FAILED' }));
    },
  );

  test('of any JSON gives nodes with all fields, or a typed error', () => {
    fc.assert(
      fc.property(fc.json(), fc.array(fc.json(), { maxLength: 3 }), (whole, events) => {
        for (const text of [whole, `[${events.join(',')}]`, whole.slice(1)]) {
          try {
            for (const node of readProfile(text)) expect(Object.values(node).every(Boolean)).toBe(true);
          } catch (error) {
            expect(error).toMatchObject({ code: 'RUNTIME_FAILED' });
          }
        }
      }),
    );
  });
});

describe('recurrentFallbacks', () => {
  const lines = async (onCpu: readonly string[], model = stack) => {
    const placed = readProfile(cudaProfile(await realProfile(model), onCpu));
    return recurrentFallbacks(placed, 'cuda', model.spec).map((fallback) => describeFallback(fallback, 'cuda'));
  };

  test('are none where all recurrent nodes run on CUDA, wherever the others run', async () => {
    expect(await lines([])).toEqual([]);
    const others = readProfile(await realProfile(stack)).filter(({ op }) => !['LSTM', 'GRU', 'RNN'].includes(op));
    expect(others.length).toBeGreaterThan(3);
    expect(await lines(others.map(({ node }) => node))).toEqual([]);
  });

  test('are each told with the reason', async () => {
    expect(await lines(['both/GRU', 'last/RNN'])).toEqual([
      'GRU node both/GRU runs on CPUExecutionProvider, not on cuda: resetAfter is false, and cuDNN applies the reset gate after the recurrent product only (train with resetAfter: true)',
      "RNN node last/RNN runs on CPUExecutionProvider, not on cuda: activation is relu, and cuDNN has tanh only (train with activation: 'tanh')",
    ]);
  });

  test('without a known reason say so, and borrow none from another layer', async () => {
    expect(await lines(['lstm/LSTM'])).toEqual([
      'LSTM node lstm/LSTM runs on CPUExecutionProvider, not on cuda: onnxruntime does not say why',
    ]);
  });

  test('of a real run on the CPU are all of them where CUDA is wanted, and none where the CPU is', async () => {
    const placed = readProfile(await realProfile(stack));
    expect(recurrentFallbacks(placed, 'cuda', stack.spec)).toHaveLength(3);
    expect(recurrentFallbacks(placed, 'cpu', stack.spec)).toEqual([]);
  });

  test('are refused with their reasons, and only if there are any', async () => {
    const placed = readProfile(cudaProfile(await realProfile(stack), ['last/RNN']));
    const found = recurrentFallbacks(placed, 'cuda', stack.spec);
    expect(() => refuseFallbacks(found, 'cuda')).toThrow(
      expect.objectContaining({ code: 'PROVIDER_FALLBACK', message: expect.stringContaining('last/RNN') }),
    );
    expect(() => refuseFallbacks([], 'cuda')).not.toThrow();
  });
});

describe('profilePlacement', () => {
  test('leaves no file behind, even when the run fails', async () => {
    const profiles = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('recurrent-onnx-profile'));
    const before = await profiles();
    const file = exportOnnx(stack);
    await expect(profilePlacement(file, { providers: 'cpu' }, {})).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    await profilePlacement(file, { providers: 'cpu' }, { ids });
    expect(await profiles()).toEqual(before);
  });
});

describe('the cache of placements', () => {
  const cached = () => readdir(join(folder, 'cache/recurrent-onnx/placement')).catch(() => []);
  const options = { providers: 'cpu', threads: 1 } as const;

  test('spares the second run, of the same file only', async () => {
    const file = exportOnnx(stack);
    const other = exportOnnx(modelOf([embedding, { type: 'gru', units: 2 } as SpecInput['layers'][number], head]));
    let runs = 0;
    const placementOf = (model: Uint8Array) =>
      cachedPlacement(model, options, ['cpu'], () => {
        runs++;
        return profilePlacement(model, options, { ids });
      });
    const first = await placementOf(file);
    expect(await placementOf(file)).toEqual(first);
    expect(runs).toBe(1);
    expect(await placementOf(other)).not.toEqual(first);
    expect(runs).toBe(2);
  });

  test('knows providers and options apart', async () => {
    const file = exportOnnx(stack);
    const marked = (mark: string) => async () => [{ node: mark, op: 'LSTM', provider: mark }];
    const of = async (
      given: Parameters<typeof cachedPlacement>[1],
      providers: readonly ('cpu' | 'cuda')[],
      mark: string,
    ) => (await cachedPlacement(file, given, providers, marked(mark)))[0]?.node;
    expect(await of({}, ['cuda', 'cpu'], 'a')).toBe('a');
    expect(await of({}, ['cuda', 'cpu'], 'b')).toBe('a');
    expect(await of({ deviceId: 1 }, ['cuda', 'cpu'], 'c')).toBe('c');
    expect(await of({ graphOptimisation: 'basic' }, ['cuda', 'cpu'], 'd')).toBe('d');
    expect(await of({}, ['cpu', 'cuda'], 'e')).toBe('e');
  });

  test('is used by a classifier, and survives damage', async () => {
    const before = new Set(await cached());
    const classifier = await loadClassifier(
      exportOnnx(modelOf([embedding, { type: 'lstm', units: 3 }, head])),
      options,
    );
    const placed = await classifier.placement();
    const [name] = (await cached()).filter((file) => !before.has(file)) as [string];
    const path = join(folder, 'cache/recurrent-onnx/placement', name);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(placed);
    for (const damage of ['', '[]', '{"node": 1}', '[{"node": "x", "op": "LSTM"}]']) {
      await writeFile(path, damage);
      expect(await classifier.placement()).toEqual(placed);
      expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(placed);
    }
    await classifier.dispose();
  });

  test('that cannot be written costs a run and nothing else', async () => {
    await writeFile(join(folder, 'file'), '');
    process.env.XDG_CACHE_HOME = join(folder, 'file');
    const classifier = await loadClassifier(exportOnnx(stack), options);
    expect((await classifier.placement()).map(({ op }) => op)).toContain('LSTM');
    await classifier.dispose();
    process.env.XDG_CACHE_HOME = join(folder, 'cache');
  });
});
