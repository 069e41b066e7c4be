/**
 * A real Triton (NVIDIA's, from the package nvidia-pytriton) takes the folder of `recurrent deploy triton --text`: it loads
 * every configuration, and texts that are sent to it get the probabilities of the float64 reference. Its ONNX Runtime
 * backend comes in no package: a model of its Python backend stands for it (tools/peers/triton_model.py), with all else of
 * the configuration as it is. Skipped where RECURRENT_PYTHON lacks tools/peers/requirements-triton.txt.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openServed } from '../../exporters/deploy/deployment.ts';
import { tritonDeployment } from '../../exporters/deploy/triton.ts';
import { exportOnnx } from '../../exporters/export.ts';
import type { TrainedModel } from '../../models/model.ts';
import { planModel } from '../../models/plan.ts';
import { createEncoder } from '../../models/text/encoder.ts';
import { expectedProbabilities, mailModel, tolerance, topicModel } from '../support/serving.ts';

const python = process.env.RECURRENT_PYTHON || 'python3';

/** Where the server is, and the version of Python that its backend is started with. */
function findTriton(): { folder: string; version: string; packages: string; programs: string } | string {
  const program = `
import importlib.util, json, os, sys, numpy, onnxruntime
found = importlib.util.find_spec("pytriton")
folder = os.path.dirname(found.origin) if found else None
print(json.dumps([folder, "%d.%d" % sys.version_info[:2], os.path.dirname(os.path.dirname(numpy.__file__)), os.path.dirname(sys.executable), numpy.__version__]))`;
  try {
    const [folder, version, packages, programs, numpy] = JSON.parse(
      execFileSync(python, ['-c', program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
    if (folder === null) return `${python} has no nvidia-pytriton`;
    if (!numpy.startsWith('1.')) return `${python} has NumPy ${numpy}, by which this Triton cannot read strings`;
    return { folder: join(folder, 'tritonserver'), version, packages, programs };
  } catch {
    return `${python} with NumPy and onnxruntime is not here`;
  }
}

const triton = findTriton();
const missing =
  typeof triton === 'string' && `${triton} (tools/peers/requirements-triton.txt; RECURRENT_PYTHON names another)`;
if (missing) console.log(`skipped: a real Triton: ${missing}`);

const tokenizer = { lowercase: 'ascii', filters: '.,', startId: 1, oovId: 2, firstWordId: 3 } as const;
const models: Readonly<Record<string, TrainedModel>> = {
  mail: mailModel,
  topics: topicModel,
  other: { ...mailModel, preprocessing: { tokenizer, maxLength: 7, padding: 'post', truncating: 'pre' } },
};
const batching = { maxBatchSize: 16, maxQueueDelayMicroseconds: 500 };

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

describe.skipIf(missing)(`Triton${missing ? `: ${missing}` : ''}`, () => {
  let folder: string;
  let url: string;
  let server: ChildProcess;
  let said = '';
  const complaints = () =>
    said
      .split('\n')
      .filter((line) => /^E\d|error|failed/i.test(line))
      .join('\n');

  beforeAll(async () => {
    if (typeof triton === 'string') return;
    folder = await mkdtemp(join(tmpdir(), 'recurrent-triton-'));
    const pieces = openServed(exportOnnx(mailModel, { states: true }), 'pieces');
    const deployments = [
      ...Object.entries(models).map(([name, model]) =>
        tritonDeployment(openServed(exportOnnx(model), name), { ...batching, text: true }),
      ),
      tritonDeployment(pieces, { ...batching, text: false }),
    ];
    for (const [path, contents] of deployments.flatMap(({ files }) => Object.entries(files))) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      const standIn = typeof contents === 'string' ? contents.replace('"onnxruntime"', '"python"') : contents;
      await writeFile(join(folder, path), standIn);
    }
    const standIn = fileURLToPath(new URL('../../tools/peers/triton_model.py', import.meta.url));
    for (const name of [...Object.keys(models), 'pieces']) {
      await copyFile(standIn, join(folder, 'model-repository', name, '1/model.py'));
    }
    const backend = join(folder, 'backends/python');
    await cp(join(triton.folder, 'backends/python'), backend, { recursive: true });
    const stub = 'triton_python_backend_stub';
    await copyFile(join(triton.folder, 'python_backend_stubs', triton.version, stub), join(backend, stub));
    await chmod(join(backend, stub), 0o755);

    const [http, grpc, metrics] = await Promise.all([freePort(), freePort(), freePort()]);
    url = `http://127.0.0.1:${http}/v2`;
    const args = [
      `--model-repository=${folder}/model-repository`,
      `--backend-directory=${folder}/backends`,
      ...[`--http-port=${http}`, `--grpc-port=${grpc}`, `--metrics-port=${metrics}`],
    ];
    const env = {
      ...process.env,
      PATH: `${triton.programs}:${process.env.PATH}`, // by which the backend finds its Python
      PYTHONPATH: triton.packages,
      LD_LIBRARY_PATH: join(triton.packages, 'nvidia_pytriton.libs'), // which the copy of the stub does not find
    };
    server = spawn(join(triton.folder, 'bin/tritonserver'), args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [server.stdout, server.stderr]) stream?.on('data', (chunk) => (said += chunk));
    for (let tries = 0; tries < 240; tries++) {
      if (server.exitCode !== null) throw new Error(`tritonserver ended:\n${complaints()}`);
      if ((await fetch(`${url}/health/ready`).catch(() => undefined))?.ok) return;
      await delay(250);
    }
    throw new Error(`tritonserver is not ready:\n${complaints()}`);
  }, 120_000);
  afterAll(async () => {
    if (server?.exitCode === null) {
      const ended = once(server, 'exit');
      server.kill('SIGTERM');
      await ended;
    }
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  // biome-ignore lint/suspicious/noExplicitAny: the body of an answer
  const bodyOf = (response: Response): Promise<any> => response.json();

  async function infer(model: string, texts: readonly string[], outputs?: readonly object[]) {
    const inputs = [{ name: 'text', datatype: 'BYTES', shape: [texts.length, 1], data: texts }];
    const response = await fetch(`${url}/models/${model}/infer`, {
      method: 'POST',
      body: JSON.stringify({ inputs, ...(outputs && { outputs }) }),
    });
    return bodyOf(response);
  }

  it('loads every model, that of texts in pieces, too', async () => {
    const names = Object.keys(models).flatMap((name) => [name, `${name}-encode`, `${name}-text`]);
    for (const name of [...names, 'pieces']) {
      expect((await fetch(`${url}/models/${name}/ready`)).status, name).toBe(200);
    }
    const config = await bodyOf(await fetch(`${url}/models/pieces/config`));
    expect(config.sequence_batching.state.map((state: { input_name: string }) => state.input_name)).toEqual([
      'initial/lstm/h',
      'initial/lstm/c',
    ]);
  });

  it.each(Object.keys(models))('makes the ids of model %s of any text', async (name) => {
    const model = models[name] as TrainedModel;
    const { vocabularySize } = planModel(model.spec);
    const encoder = createEncoder({ ...model, vocabularySize });
    const word = fc.oneof(
      fc.nat(40).map((index) => `${index % 3 ? 'w' : 'W'}${index}`),
      fc.constantFrom('', ' ', '\t', '\n', '\u00a0', '!', 'w1.w2', 'ÉLAN', 'İ', 'ΣΑΣ', '한국어', '🦆', 'مرحبا', '"\\'),
    );
    const text = fc.array(word, { maxLength: 12 }).map((words) => words.join(' '));
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 16 }), async (texts) => {
        const { outputs, error } = await infer(`${name}-encode`, texts);
        expect(error).toBeUndefined();
        const { ids, rows, time } = encoder.encodeAll(texts);
        expect(outputs[0]).toMatchObject({ name: 'ids', datatype: 'INT32', shape: [rows, time], data: [...ids] });
      }),
      { numRuns: 200 },
    );
  });

  it.each(Object.keys(models))('gives texts the probabilities of model %s', async (name) => {
    const model = models[name] as TrainedModel;
    const texts = ['w1 w2, w3', 'w29 and nothing else', '', 'w4 w5 w6 w7 w8 w9 w10', 'W1 🦆'];
    const { outputs } = await infer(`${name}-text`, texts);
    const { data } = outputs.find((output: { name: string }) => output.name === 'probabilities');
    const expected = expectedProbabilities(model, texts).flat();
    expect(data).toHaveLength(expected.length);
    for (const [index, value] of expected.entries()) expect(Math.abs(data[index] - value)).toBeLessThan(tolerance);
  });

  it('names the most probable classes', async () => {
    const asked = [{ name: 'probabilities', parameters: { classification: 1 } }];
    const { outputs } = await infer('topics-text', ['w1 w2'], asked);
    const [row = []] = expectedProbabilities(topicModel, ['w1 w2']);
    const best = row.indexOf(Math.max(...row));
    expect(outputs[0].data[0]).toMatch(new RegExp(`^0\\.\\d+:${best}:${topicModel.labels[best]}$`));
  });

  it('says of a text that is no UTF-8 that it is none, and goes on', async () => {
    const head = JSON.stringify({
      inputs: [{ name: 'text', datatype: 'BYTES', shape: [1, 1], parameters: { binary_data_size: 6 } }],
    });
    const response = await fetch(`${url}/models/mail-text/infer`, {
      method: 'POST',
      headers: { 'inference-header-content-length': String(head.length) },
      body: Buffer.concat([Buffer.from(head), Buffer.from([2, 0, 0, 0, 0xff, 0xfe])]),
    });
    expect((await bodyOf(response)).error).toContain('a text is no UTF-8');
    expect((await infer('mail-text', ['w1'])).error).toBeUndefined();
  });
});
