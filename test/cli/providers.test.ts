/** Execution providers from the command line, and what it says of a model's fitness for CUDA. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import { modelOf } from '../support/trained-model.ts';
import { cli, cliJson, cliRefusal, quickly, tickets, useCli } from './run-cli.ts';

const place = useCli();
const at = (name: string) => join(place.folder, name);
const env = () => ({ XDG_CACHE_HOME: at('cache') });

beforeAll(async () => {
  const embedding = { type: 'embedding', inputDim: 9, outputDim: 2 } as const;
  const head = { type: 'dense', units: 1 } as const;
  await writeFile(at('plain.onnx'), exportOnnx(modelOf([embedding, { type: 'lstm', units: 2 }, head])));
  const before = { type: 'gru', name: 'reader', units: 2, resetAfter: false } as const;
  await writeFile(at('before.onnx'), exportOnnx(modelOf([embedding, before, head])));
  await writeFile(at('pooled.onnx'), exportOnnx(modelOf([embedding, { type: 'pooling', kind: 'average' }, head])));
});

describe('predict', () => {
  it('says which providers ran and why', async () => {
    const answer = await cliJson(['predict', at('plain.onnx'), '--provider', 'cpu', '--threads', '1', 'w1 w2']);
    expect(answer).toMatchObject({ providers: ['cpu'], providerNote: 'cpu: as asked', warnings: [] });
    const chosen = await cliJson(['predict', at('plain.onnx'), 'w1 w2'], { env: env() });
    expect(chosen.providerNote).toMatch(/^(cpu|cuda): \S.*/);
  });

  it('takes what the CPU can honour, with the same answer', async () => {
    const classify = (...options: string[]) => cliJson(['predict', at('plain.onnx'), 'w1 w2', ...options]);
    const plain = await classify('--provider', 'cpu');
    const options = ['--strict-provider', '--no-cpu-arena', '--graph-optimisation', 'basic', '--threads', '2'];
    expect(await classify('--provider', 'cpu', ...options)).toEqual(plain);
  });

  it.each([
    [['--provider', 'tpu'], 'OPTION_INVALID'],
    [['--threads', '0'], 'OPTION_INVALID'],
    [['--graph-optimisation', 'most'], 'OPTION_INVALID'],
    [['--strict-provider'], 'OPTION_INVALID'],
    [['--device', '1'], 'OPTION_UNSUPPORTED'],
    [['--provider', 'cpu', '--device', '0'], 'OPTION_UNSUPPORTED'],
    [['--provider', 'cpu', '--gpu-memory-limit', '512'], 'OPTION_UNSUPPORTED'],
    [['--provider', 'cuda', '--gpu-memory-limit', '512'], 'OPTION_UNSUPPORTED'],
    [['--provider', 'cuda', '--arena-extension', 'same-as-requested'], 'OPTION_UNSUPPORTED'],
  ])('refuses %j', async (options, code) => {
    expect((await cliRefusal(['predict', at('plain.onnx'), 'w1', ...options], 2)).code).toBe(code);
  });
});

describe('evaluate', () => {
  it('takes providers for an ONNX file, and refuses them for a checkpoint', async () => {
    await cli(['train', 'lstm', '--data', tickets, '--out', at('run'), ...quickly]);
    const exported = await cli(['export', at('run'), '--out', at('model.onnx')]);
    expect(exported.stdout).toContain('every recurrent layer can run on a GPU');
    const report = await cliJson(['evaluate', at('model.onnx'), '--data', tickets, '--provider', 'cpu']);
    expect(report.runner).toBe('onnxruntime (cpu)');
    const error = await cliRefusal(['evaluate', at('run'), '--data', tickets, '--provider', 'cpu'], 2);
    expect(error).toMatchObject({ code: 'OPTION_UNSUPPORTED', message: expect.stringContaining('checkpoint') });
  });
});

describe('parity', () => {
  const parity = (...more: string[]) => ['parity', at('run'), '--data', tickets, ...more];

  it('takes providers for the runner onnxruntime, and refuses them without it', async () => {
    const both = ['--runners', 'reference,onnxruntime'];
    const report = await cliJson(parity(...both, '--provider', 'cpu', '--strict-provider'));
    expect(report).toMatchObject({ passed: true, runners: [{}, { description: 'onnxruntime (cpu)' }] });
    const error = await cliRefusal(parity('--runners', 'reference,js', '--provider', 'cpu'), 2);
    expect(error).toMatchObject({ code: 'OPTION_UNSUPPORTED', message: expect.stringContaining('--runners') });
    expect((await cliRefusal(parity(...both, '--device', '1'), 2)).code).toBe('OPTION_UNSUPPORTED');
  });
});

describe('inspect', () => {
  it('tells what keeps a model from a GPU, and what to train instead', async () => {
    const { stdout } = await cli(['inspect', at('before.onnx')]);
    expect(stdout).toMatch(/not on CUDA +layer reader: resetAfter is false.*train with resetAfter: true/);
    const { cudaObstacles } = await cliJson(['inspect', at('before.onnx')]);
    expect(cudaObstacles).toEqual([
      { layer: 'reader', reason: expect.stringContaining('cuDNN'), remedy: 'train with resetAfter: true' },
    ]);
  });

  it('says so where nothing does, and nothing of a model without recurrent layers', async () => {
    expect((await cli(['inspect', at('plain.onnx')])).stdout).toMatch(/on CUDA +every recurrent layer/);
    expect((await cli(['inspect', at('pooled.onnx')])).stdout).not.toContain('CUDA');
  });
});
