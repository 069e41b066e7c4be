/** What onnxruntime would crash on or lie about is refused before it is asked. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import { decodeOnnx } from '../../exporters/onnx/decode.ts';
import type { Feeds, SessionTensor } from '../../runtime/onnx/guard.ts';
import { loadOrt } from '../../runtime/onnx/ort.ts';
import { profilePlacement } from '../../runtime/onnx/placement.ts';
import type { ProviderRequest } from '../../runtime/onnx/providers.ts';
import { openSession } from '../../runtime/onnx/session.ts';
import { type SessionOptions, toOrtOptions } from '../../runtime/onnx/session-options.ts';
import { modelOf } from '../support/trained-model.ts';

const file = exportOnnx(
  modelOf([
    { type: 'embedding', inputDim: 9, outputDim: 2 },
    { type: 'lstm', units: 2 },
    { type: 'dense', units: 1 },
  ]),
);
const ids = { dataType: 'int32', dims: [1, 3], data: Int32Array.of(1, 2, 3) } as const satisfies SessionTensor;

describe('run refuses', () => {
  const feeds: Readonly<Record<string, Feeds>> = {
    'no input': {},
    'an input that the model does not have': { ids, extra: ids },
    'another element type': { ids: { dataType: 'int64', dims: [1, 3], data: BigInt64Array.of(1n, 2n, 3n) } },
    'values in the wrong array': { ids: { ...ids, data: Float32Array.of(1, 2, 3) } },
    'a batch of zero': { ids: { dataType: 'int32', dims: [0, 3], data: new Int32Array() } },
    'a time of zero': { ids: { dataType: 'int32', dims: [1, 0], data: new Int32Array() } },
    'a negative dimension': { ids: { dataType: 'int32', dims: [-1, -3], data: Int32Array.of(1, 2, 3) } },
    'a dimension that is no whole number': { ids: { dataType: 'int32', dims: [1.5, 2], data: Int32Array.of(1, 2, 3) } },
    'a dimension too many': { ids: { ...ids, dims: [1, 1, 3] } },
    'a dimension too few': { ids: { ...ids, dims: [3] } },
    'more values than the shape says': { ids: { ...ids, dims: [1, 2] } },
    'fewer values than the shape says': { ids: { ...ids, dims: [2, 3] } },
  };
  test.each(Object.entries(feeds))('%s', async (_, feed) => {
    const session = await openSession(file, { providers: 'cpu' });
    await expect(session.run(feed)).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    await session.release();
  });
});

test('a fault of onnxruntime becomes an error of the catalogue', async () => {
  const session = await openSession(file, { providers: 'cpu' });
  const beyond = { ...ids, data: Int32Array.of(1, 2, 9) };
  await expect(session.run({ ids: beyond })).rejects.toMatchObject({ code: 'RUNTIME_FAILED' });
  expect((await session.run({ ids })).logits?.dims).toEqual([1, 1]);
  await session.release();
});

describe('options', () => {
  test.each([0, -1, 1.5, Number.NaN, 5000])('%s threads are refused', async (threads) => {
    await expect(openSession(file, { threads })).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  });

  test.each([
    ['an unknown provider', 'tpu'],
    ['an unknown provider in a list', ['cpu', 'tpu']],
    ['an empty list', []],
    ['a provider twice', ['cpu', 'cpu']],
    ['no list', { name: 'cpu' }],
  ])('%s is refused', async (_, providers) => {
    const request = providers as unknown as ProviderRequest;
    await expect(openSession(file, { providers: request })).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  });
});

describe('options of a provider', () => {
  test.each<[string, SessionOptions]>([
    ['deviceId', { providers: 'cpu', deviceId: 0 }],
    ['deviceId', { deviceId: 1 }],
    ['gpuMemoryLimit', { providers: 'cpu', gpuMemoryLimit: 1 }],
    ['gpuMemoryLimit', { providers: ['cuda', 'cpu'], gpuMemoryLimit: 2 ** 31 }],
    ['arenaExtension', { arenaExtension: 'same-as-requested' }],
    ['arenaExtension', { providers: 'cuda', arenaExtension: 'next-power-of-two' }],
  ])('%s is refused where it would be ignored: %o', async (name, options) => {
    await expect(openSession(file, options)).rejects.toMatchObject({
      code: 'OPTION_UNSUPPORTED',
      message: expect.stringContaining(name),
    });
  });

  test.each<[string, object]>([
    ['a device below 0', { providers: 'cuda', deviceId: -1 }],
    ['a limit of no bytes', { providers: 'cuda', gpuMemoryLimit: 0 }],
    ['an unknown way to grow', { providers: 'cuda', arenaExtension: 'double' }],
    ['an unknown level', { graphOptimisation: 'most' }],
    ['an arena that is no boolean', { cpuArena: 'no' }],
    ['a memory pattern that is no boolean', { memoryPattern: 1 }],
    ['strictness about no provider', { strictProvider: true }],
    ['strictness about auto', { strictProvider: true, providers: 'auto' }],
  ])('%s is refused', async (_, options) => {
    await expect(openSession(file, options)).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  });

  test('reach onnxruntime: without optimisation, all nodes of the file run; results are the same', async () => {
    const fusible = exportOnnx(
      modelOf([
        { type: 'embedding', inputDim: 9, outputDim: 2 },
        { type: 'lstm', units: 2 },
        { type: 'dense', units: 3, activation: 'relu' }, // Gemm and Relu become one node
        { type: 'dense', units: 1 },
      ]),
    );
    const results = [];
    const nodes = [];
    for (const options of [
      { graphOptimisation: 'disabled', cpuArena: false, memoryPattern: false, threads: 1 },
      { graphOptimisation: 'all', cpuArena: true, memoryPattern: true, threads: 2 },
    ] as const) {
      const session = await openSession(fusible, { providers: 'cpu', ...options });
      results.push((await session.run({ ids })).logits);
      await session.release();
      nodes.push((await profilePlacement(fusible, { providers: 'cpu', ...options }, { ids })).length);
    }
    expect(results[1]?.data[0]).toBeCloseTo(results[0]?.data[0] as number, 6);
    expect(nodes[0]).toBe(decodeOnnx(fusible).nodes.length);
    expect(nodes[1]).toBeLessThan(nodes[0] as number);
  });

  test.each([
    ['intraOpNumThreads', 'one'],
    ['graphOptimizationLevel', 'most'],
    ['enableCpuMemArena', 1],
    ['enableMemPattern', 1],
  ])('have %s under the name by which onnxruntime reads it', async (name, wrong) => {
    const { InferenceSession } = await loadOrt();
    const opening = InferenceSession.create(file, { executionProviders: ['cpu'], [name]: wrong } as object);
    await expect(opening).rejects.toThrow(name); // what it does not know it drops without a word
  });

  test('as onnxruntime takes them, name the device of CUDA only', () => {
    const options = { providers: ['cuda', 'cpu'], deviceId: 3, cpuArena: false, memoryPattern: false } as const;
    expect(toOrtOptions(options, ['cuda', 'cpu'])).toEqual({
      logSeverityLevel: 4,
      executionProviders: [{ name: 'cuda', deviceId: 3 }, 'cpu'],
      enableCpuMemArena: false,
      enableMemPattern: false,
    });
    // All that onnxruntime-node hands its CUDA provider. Where this does not compile any more, it has learnt another one.
    expectTypeOf<keyof InferenceSession.CudaExecutionProviderOption>().toEqualTypeOf<'name' | 'deviceId'>();
    expect(toOrtOptions({}, ['cuda'])).toEqual({ logSeverityLevel: 4, executionProviders: ['cuda'] });
  });
});

/** Beside the binding, as its install script would have put it. */
function hasCudaLibrary(): boolean {
  const { platform, arch } = process;
  const entry = createRequire(import.meta.url).resolve('onnxruntime-node');
  const folder = join(entry, '../../bin/napi-v6', platform, arch);
  return existsSync(join(folder, 'libonnxruntime_providers_cuda.so'));
}

describe('providers', () => {
  test('cpu is what was asked for', async () => {
    const session = await openSession(file, { providers: 'cpu' });
    expect(session.providers).toEqual(['cpu']);
    expect(session.providerNote).toBe('cpu: as asked');
    await session.release();
  });

  test('auto runs, and says in one line why with these', async () => {
    const session = await openSession(file);
    expect(session.providers.at(-1)).toBe('cpu');
    expect(session.providerNote).toMatch(/^(cuda|cpu): [^\n]+$/);
    if (!hasCudaLibrary()) expect(session.providerNote).toMatch(/^cpu: .*(is not installed|has no CUDA on)/);
    expect((await session.run({ ids })).logits?.dims).toEqual([1, 1]);
    await session.release();
  });

  test('cuda that is asked for is used, or refused with the remedy', async (context) => {
    const auto = await openSession(file);
    const available = auto.providers[0] === 'cuda';
    await auto.release();
    for (const providers of ['cuda', ['cuda'], ['cuda', 'cpu']] as const) {
      const opening = openSession(file, { providers });
      if (available) await (await opening).release();
      else {
        await expect(opening).rejects.toMatchObject({
          code: 'PROVIDER_MISSING',
          message: expect.stringContaining('cuda'),
          hint: expect.stringContaining('npm rebuild onnxruntime-node'),
        });
      }
    }
    context.annotate(available ? 'CUDA is here: used' : `CUDA is not here: refused`);
  });
});

describe('placement', () => {
  test('tells the provider of every node', async () => {
    const placed = await profilePlacement(file, { providers: 'cpu' }, { ids });
    expect(placed.find(({ op }) => op === 'LSTM')).toEqual({
      node: 'lstm/LSTM',
      op: 'LSTM',
      provider: 'CPUExecutionProvider',
    });
    expect(new Set(placed.map(({ provider }) => provider))).toEqual(new Set(['CPUExecutionProvider']));
  });
});
