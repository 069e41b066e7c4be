/**
 * What `recurrent deploy` writes, against those who read it: the published schemas of Triton, Kubernetes and KServe
 * (tools/peers/check_deployment.py, skipped where Python or a package is absent), and the ONNX file itself.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { parse } from 'yaml';
import { type Files, openServed, type Served } from '../../exporters/deploy/deployment.ts';
import { dockerDeployment } from '../../exporters/deploy/docker.ts';
import { kserveOnTriton, kserveOwnServer } from '../../exporters/deploy/kserve.ts';
import { kubernetesDeployment } from '../../exporters/deploy/kubernetes.ts';
import { serviceName } from '../../exporters/deploy/name.ts';
import { tritonDeployment } from '../../exporters/deploy/triton.ts';
import { type ExportOptions, exportOnnx } from '../../exporters/export.ts';
import type { SpecInput } from '../../models/layers.ts';
import type { TrainedModel } from '../../models/model.ts';
import { planModel } from '../../models/plan.ts';
import { createEncoder } from '../../models/text/encoder.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { openSession } from '../../runtime/onnx/session.ts';
import { serveOptionsSchema } from '../../runtime/serving/options.ts';
import { arbitrarySpec } from '../support/arbitrary-spec.ts';
import { needPython, runPython } from '../support/python.ts';
import { modelOf, trainedModel } from '../support/trained-model.ts';

const python = process.env.RECURRENT_PYTHON ?? 'python3';
const script = fileURLToPath(new URL('../../tools/peers/check_deployment.py', import.meta.url));
const batching = { maxBatchSize: 32, maxQueueDelayMicroseconds: 500, text: false };
interface Port {
  readonly name: string;
  readonly containerPort: number;
}

const own = { image: 'registry.example.com:5000/team/spam:1', replicas: 3, protocol: 'http' } as const;
const packed = { file: 'recurrent-onnx-0.1.0.tgz', contents: Uint8Array.of(0x1f, 0x8b) };

const embedding = { type: 'embedding', inputDim: 9, outputDim: 3, maskZero: true } as const;
const head = { type: 'dense', units: 1, activation: 'sigmoid' } as const;
const binary = modelOf([embedding, { type: 'lstm', units: 4 }, head]);
const threeClasses = modelOf([
  { type: 'embedding', inputDim: 9, outputDim: 3 },
  { type: 'gru', units: 4 },
  { type: 'dense', units: 3, activation: 'softmax' },
]);

function servedAs(model: TrainedModel, name = 'spam', options: ExportOptions = {}): Served {
  return openServed(exportOnnx(model, options), name);
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recurrent-deploy-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Checked {
  readonly absent: Readonly<Record<string, string>>;
  readonly faults: readonly string[];
  readonly checked: readonly string[];
  readonly configs: Readonly<Record<string, ModelConfig>>;
}

/** ModelConfig as JSON: whole numbers of 64 bits are strings there. */
interface ModelConfig {
  readonly name: string;
  readonly backend: string;
  readonly max_batch_size: number;
  readonly input: readonly Tensor[];
  readonly output: readonly Tensor[];
  readonly sequence_batching?: {
    readonly oldest: { readonly max_queue_delay_microseconds: string };
    readonly state: readonly {
      readonly input_name: string;
      readonly output_name: string;
      readonly dims: readonly string[];
      readonly initial_state: readonly object[];
    }[];
  };
  readonly dynamic_batching: { readonly max_queue_delay_microseconds: string };
  readonly model_warmup: readonly { readonly inputs: Record<string, { readonly dims: readonly string[] }> }[];
  readonly parameters: Readonly<Record<string, { readonly string_value: string }>>;
}

interface Tensor {
  readonly name: string;
  readonly data_type: string;
  readonly dims: readonly string[];
  readonly label_filename?: string;
}

/** Writes the files and has the peer look at those that it knows. */
async function check(context: TestContext, files: Files): Promise<Checked> {
  const here = await mkdtemp(join(folder, 'files-'));
  for (const [path, contents] of Object.entries(files)) {
    await mkdir(dirname(join(here, path)), { recursive: true });
    await writeFile(join(here, path), contents);
  }
  const known = Object.keys(files).filter((path) => /\.(pbtxt|yaml)$/.test(path));
  const { stdout } = await promisify(execFile)(python, [script, ...known], { cwd: here }).catch((error: Error) =>
    skip(context, error.message.split('\n')[0] ?? ''),
  );
  const result: Checked = JSON.parse(stdout);
  for (const [path, reason] of Object.entries(result.absent)) skip(context, `${path}: ${reason}`);
  expect([...result.checked].sort()).toEqual(result.faults.length ? expect.anything() : known.sort());
  return result;
}

function skip(context: TestContext, what: string): never {
  const reason = `${what} (tools/peers/requirements-deploy.txt says how to install it; RECURRENT_PYTHON names the interpreter)`;
  console.log(`skipped: schemas of deployments: ${reason}`);
  return context.skip(reason);
}

describe('a model repository of Triton', () => {
  it('is a ModelConfig of what onnxruntime finds in the file, for any model', async (context) => {
    const specs = fc.sample(arbitrarySpec({ maxRecurrent: 1 }), 25);
    const models = specs.map((spec, index) => servedAs(trainedModel(spec), `model-${index}`));
    const files = Object.assign({}, ...models.map((each) => tritonDeployment(each, { ...batching, text: true }).files));
    const { faults, configs } = await check(context, files);
    expect(faults).toEqual([]);
    for (const { onnx, name, metadata } of models) {
      const config = configs[`model-repository/${name}/config.pbtxt`] ?? expect.fail();
      expect(config).toMatchObject({ name, backend: 'onnxruntime', max_batch_size: 32 });
      expect(config.dynamic_batching.max_queue_delay_microseconds).toBe('500');
      const session = await openSession(onnx, { providers: 'cpu' });
      const types: Record<string, string> = { int32: 'TYPE_INT32', float32: 'TYPE_FP32' };
      for (const [ports, given] of [
        [session.inputs, config.input],
        [session.outputs, config.output],
      ] as const) {
        const expected = ports.map(({ name, dataType, shape: [, ...rest] }) => ({
          name,
          data_type: types[dataType],
          dims: rest.map((size) => (typeof size === 'string' ? '-1' : String(size))),
        }));
        expect(given.map(({ name, data_type, dims }) => ({ name, data_type, dims }))).toEqual(expected);
      }
      await session.release();
      expect(config.model_warmup[0]?.inputs.ids?.dims).toEqual([String(metadata.preprocessing.maxLength)]);
      expect(JSON.parse(config.parameters.preprocessing?.string_value ?? '')).toEqual(metadata.preprocessing);
      const text = { name: 'text', data_type: 'TYPE_STRING', dims: ['1'] };
      const ids = { name: 'ids', data_type: 'TYPE_INT32', dims: [String(metadata.preprocessing.maxLength)] };
      expect(configs[`model-repository/${name}-encode/config.pbtxt`]).toMatchObject({
        ...{ name: `${name}-encode`, backend: 'python', max_batch_size: 32, input: [text], output: [ids] },
      });
      expect(configs[`model-repository/${name}-text/config.pbtxt`]).toMatchObject({
        ...{ name: `${name}-text`, platform: 'ensemble', max_batch_size: 32, input: [text], output: config.output },
      });
    }
  });

  it('of texts has a program that makes the ids of our encoder', async (context) => {
    await needPython(context, 'numpy');
    const tokenizer = { lowercase: 'ascii', filters: '.,', startId: 1, oovId: null, firstWordId: 3 } as const;
    const models = [
      { ...threeClasses, vocabulary: ['é', 'w3', 'élan', 'w1', 'w2', 'w4', 'w5', 'w6', 'beyond'] },
      { ...binary, preprocessing: { tokenizer, maxLength: 4, padding: 'post', truncating: 'pre' } },
    ] as const satisfies readonly TrainedModel[];
    const texts = ['', ' ', 'w1 W2, w3.w4', 'É élan ÉLAN', 'w1\tw2\u00a0w3', 'w1 w2 w3 w4 w5 w6', 'İ ΣΑΣ 🦆 "\\'];
    for (const [index, model] of models.entries()) {
      const { files } = tritonDeployment(servedAs(model), { ...batching, text: true });
      const program = join(folder, `encode-${index}.py`);
      const [code, options] = ['py', 'json'].map(
        (kind) => files[`model-repository/spam-encode/1/${kind === 'py' ? 'model' : 'encoder'}.${kind}`],
      );
      const main = 'print(json.dumps([make_encoder(**json.loads(sys.argv[1]))(text) for text in sys.argv[2:]]))';
      // Only Triton has the module by which tensors come and go: test/long/triton.long.ts runs all of it there.
      await writeFile(
        program,
        `import sys\n${code}\n${main}\n`.replace('import triton_python_backend_utils as pb_utils', ''),
      );
      const { vocabularySize } = planModel(model.spec);
      const { ids, time } = createEncoder({ ...model, vocabularySize }).encodeAll(texts);
      const rows = texts.map((_, row) => [...ids.subarray(row * time, (row + 1) * time)]);
      expect(JSON.parse(await runPython(program, String(options), ...texts))).toEqual(rows);
    }
  });

  it('takes no texts where texts come in pieces', () => {
    const pieces = servedAs(binary, 'pieces', { states: true });
    expect(() => tritonDeployment(pieces, { ...batching, text: true })).toThrow(
      expect.objectContaining({ code: 'OPTION_UNSUPPORTED', message: expect.stringContaining('--text') }),
    );
  });

  it('keeps the states of every recurrent layer, where the file carries them, from zero', async (context) => {
    const gru = { type: 'gru', units: 3 } as const;
    const layers: readonly SpecInput['layers'][] = [
      [embedding, { type: 'lstm', units: 4, returnSequences: true }, gru, head],
      [embedding, { type: 'simpleRnn', units: 5 }, head],
    ];
    const models = layers.map((each, index) => servedAs(modelOf(each), `pieces-${index}`, { states: true }));
    const files = Object.assign({}, ...models.map((served) => tritonDeployment(served, batching).files));
    const { faults, configs } = await check(context, files);
    expect(faults).toEqual([]);
    for (const { onnx, name } of models) {
      const config = configs[`model-repository/${name}/config.pbtxt`] ?? expect.fail();
      expect(config).not.toHaveProperty('dynamic_batching');
      expect(config).not.toHaveProperty('model_warmup');
      const { state, oldest } = config.sequence_batching ?? expect.fail();
      expect(oldest.max_queue_delay_microseconds).toBe('500');
      const session = await openSession(onnx, { providers: 'cpu' });
      // Triton counts: the inputs of the graph are those of the configuration and the states.
      const named = (ports: readonly { readonly name: string; readonly dims: readonly string[] }[]) =>
        ports.map((port) => `${port.name} ${port.dims}`);
      const found = (ports: typeof session.inputs) =>
        ports.map(({ name, shape: [, size] }) => `${name} ${typeof size === 'string' ? '-1' : size}`);
      const states = (which: 'input_name' | 'output_name') =>
        named(state.map((s) => ({ name: s[which], dims: s.dims })));
      expect([...named(config.input), ...states('input_name')]).toEqual(found(session.inputs));
      expect([...named(config.output), ...states('output_name')]).toEqual(found(session.outputs));
      // Triton pairs the n-th of the sorted inputs with the n-th of the sorted outputs.
      const sorted = (which: 'input_name' | 'output_name') =>
        [...state].sort((a, b) => (a[which] < b[which] ? -1 : 1)).map((each) => state.indexOf(each));
      expect(sorted('input_name')).toEqual(sorted('output_name'));
      for (const each of state) {
        expect(each.initial_state).toEqual([
          { name: expect.any(String), data_type: 'TYPE_FP32', dims: each.dims, zero_data: true },
        ]);
      }
      await session.release();
    }
  });

  it('carries labels as they are, whatever is in them', async (context) => {
    const labels = ['a "quoted" \\ one', '욕설\n두 줄', '\u0000\u007f é 💸'];
    const files = tritonDeployment(servedAs({ ...threeClasses, labels }), batching).files;
    const { faults, configs } = await check(context, files);
    expect(faults).toEqual([]);
    const config = configs['model-repository/spam/config.pbtxt'] ?? expect.fail();
    expect(JSON.parse(config.parameters.labels?.string_value ?? '')).toEqual(labels);
  });

  it('has a line a label where each class has its place, and no such file for one probability of two', () => {
    const three = tritonDeployment(servedAs(threeClasses), batching).files;
    expect(three['model-repository/spam/labels.txt']).toBe('class 0\nclass 1\nclass 2\n');
    expect(three['model-repository/spam/config.pbtxt']).toContain('label_filename: "labels.txt"');
    const two = tritonDeployment(servedAs(binary), batching).files;
    expect(Object.keys(two)).not.toContain('model-repository/spam/labels.txt');
    expect(two['model-repository/spam/config.pbtxt']).not.toContain('label_filename');
  });

  it('has the file itself, byte for byte, as version 1', () => {
    const served = servedAs(binary);
    expect(tritonDeployment(served, batching).files['model-repository/spam/1/model.onnx']).toBe(served.onnx);
  });
});

describe('manifests', () => {
  const served = servedAs(binary);
  const storageUri = 'pvc://models/spam';

  it.for([
    ['Kubernetes', kubernetesDeployment(served, own, undefined).files],
    ['KServe, own server', kserveOwnServer(served, own, packed).files],
    ['KServe, own server by gRPC', kserveOwnServer(served, { ...own, protocol: 'grpc' }, packed).files],
    ['KServe on Triton', kserveOnTriton(served, { ...batching, storageUri, replicas: 1 }).files],
  ] as const)('of %s have no fault in the schema', async ([, files], context) => {
    const { faults } = await check(context, files);
    expect(faults).toEqual([]);
    const manifests = Object.entries(files).filter(([path]) => path.endsWith('.yaml'));
    for (const [path, text] of manifests) expect(String(text), path).not.toMatch(/[&*]a\d/);
  });

  it('of a model with states send all pieces of a text to the copy that has them', async (context) => {
    const pieces = servedAs(binary, 'pieces', { states: true });
    const serviceOf = (of: Served) =>
      parse(String(kubernetesDeployment(of, own, undefined).files['manifests/service.yaml'])).spec;
    expect(serviceOf(pieces).sessionAffinity).toBe('ClientIP');
    expect(serviceOf(served)).not.toHaveProperty('sessionAffinity');
    const one = { ...own, replicas: 1 };
    const triton = { ...batching, storageUri };
    for (const files of [
      kserveOwnServer(pieces, one, undefined).files,
      kserveOnTriton(pieces, { ...triton, replicas: 1 }).files,
    ]) {
      const { minReplicas, maxReplicas } = parse(String(files['inference-service.yaml'])).spec.predictor;
      expect({ minReplicas, maxReplicas }).toEqual({ minReplicas: 1, maxReplicas: 1 });
      expect((await check(context, files)).faults).toEqual([]);
    }
    const refused = expect.objectContaining({ code: 'OPTION_UNSUPPORTED', message: expect.stringMatching(/states/) });
    expect(() => kserveOwnServer(pieces, own, undefined)).toThrowError(refused);
    expect(() => kserveOnTriton(pieces, { ...triton, replicas: 2 })).toThrowError(refused);
    expect((await check(context, kubernetesDeployment(pieces, own, undefined).files)).faults).toEqual([]);
  });

  it('with a fault are told: the schemas are held to strictly', async (context) => {
    const { files } = kubernetesDeployment(served, own, undefined);
    const text = String(files['manifests/deployment.yaml']);
    const broken = {
      'type.yaml': text.replace('replicas: 3', 'replicas: "3"'),
      'field.yaml': text.replace('readinessProbe', 'readynessProbe'),
      'missing.yaml': text.replace(/^ {4}matchLabels:\n.*\n/m, '').replace(/^ {2}selector:\n/m, ''),
      'config.pbtxt': 'name: "x"\nmax_batch: 3\n',
    };
    const { faults } = await check(context, broken);
    for (const file of Object.keys(broken)) {
      expect(
        faults.filter((fault) => fault.startsWith(file)),
        file,
      ).not.toEqual([]);
    }
  });

  it('of Kubernetes agree with each other and with the image', () => {
    const { files } = kubernetesDeployment(served, own, undefined);
    const read = (file: string) => parse(String(files[`manifests/${file}.yaml`]));
    const { template, selector, replicas, strategy } = read('deployment').spec;
    const [container] = template.spec.containers;
    expect(replicas).toBe(3);
    for (const other of [
      selector,
      read('disruption-budget').spec.selector,
      { matchLabels: read('service').spec.selector },
    ]) {
      expect(other.matchLabels).toEqual(template.metadata.labels);
    }
    expect(strategy.rollingUpdate.maxUnavailable).toBe(0);
    expect(container.image).toBe(own.image);
    const named = Object.fromEntries(container.ports.map((port: Port) => [port.name, port.containerPort]));
    expect(read('service').spec.ports.map((port: { targetPort: string }) => named[port.targetPort])).toEqual([
      named.http,
      named.grpc,
    ]);
    for (const [probe, path] of [
      ['startupProbe', 'live'],
      ['readinessProbe', 'ready'],
      ['livenessProbe', 'live'],
    ] as const) {
      expect(container[probe].httpGet).toEqual({ path: `/v2/health/${path}`, port: named.http });
    }
    const dockerfile = String(files['image/Dockerfile']);
    expect(dockerfile).toContain(`EXPOSE ${named.http} ${named.grpc}\n`);
    expect(dockerfile).toContain(`"--port", "${named.http}", "--grpc-port", "${named.grpc}"]`);
    // Requests that arrive until the pod is out of the Service, and those that a server still has when it is told.
    const [, wait] = container.lifecycle.preStop.exec.command;
    const longest = serveOptionsSchema.shape.timeoutSeconds.parse(undefined);
    expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThan(Number(wait) + longest);
  });

  it.each(['http', 'grpc'] as const)('of KServe over %s ask nothing that Knative refuses', (protocol) => {
    const { files } = kserveOwnServer(served, { ...own, protocol }, undefined);
    const { containers, minReplicas, ...pod } = parse(String(files['inference-service.yaml'])).spec.predictor;
    // https://github.com/knative/serving/blob/main/pkg/apis/serving/fieldmask.go
    expect(pod).toEqual({ automountServiceAccountToken: false });
    expect(minReplicas).toBe(3);
    const [container] = containers;
    expect(container).not.toHaveProperty('lifecycle');
    expect(container.ports).toHaveLength(1);
    const [{ name, containerPort }] = container.ports;
    expect(name).toBe(protocol === 'http' ? 'http1' : 'h2c');
    for (const probe of ['readinessProbe', 'livenessProbe']) {
      const { httpGet, grpc, tcpSocket } = container[probe];
      expect((httpGet ?? grpc ?? tcpSocket).port).toBe(containerPort);
    }
    expect(String(files['image/Dockerfile'])).toContain(`"${containerPort}"`);
  });

  it('keep to the restricted profile of the Pod Security Standards', () => {
    const containers = [
      parse(String(kubernetesDeployment(served, own, undefined).files['manifests/deployment.yaml'])).spec.template.spec,
      parse(String(kserveOwnServer(served, own, undefined).files['inference-service.yaml'])).spec.predictor,
    ].map((pod) => pod.containers[0]);
    for (const { securityContext, resources, env } of containers) {
      expect(env[0].valueFrom.secretKeyRef).toEqual({ name: 'spam-api-key', key: 'key', optional: true });
      expect(securityContext).toMatchObject({
        runAsNonRoot: true,
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(resources.limits).toHaveProperty('memory');
      expect(resources.requests).toHaveProperty('cpu');
    }
  });

  it('of KServe refuse an address that it cannot read', () => {
    for (const bad of ['models/spam', 'file:///models', 's3://', 'pvc://a b']) {
      expect(() => kserveOnTriton(served, { ...batching, storageUri: bad, replicas: 1 })).toThrowError(
        expect.objectContaining({ code: 'OPTION_INVALID' }),
      );
    }
  });
});

describe('the context of an image', () => {
  it.each([undefined, packed])(
    'copies only what is there, listens where it says, does not run as root: %o',
    (given) => {
      const { files } = dockerDeployment(servedAs(binary), given);
      const lines = String(files.Dockerfile)
        .replaceAll(/\\\n\s*/g, ' ')
        .trimEnd()
        .split('\n');
      const instructions = lines.map((line) => line.slice(0, line.indexOf(' ')));
      expect(instructions).toEqual('FROM WORKDIR ENV COPY RUN COPY USER EXPOSE HEALTHCHECK ENTRYPOINT'.split(' '));
      const paths = Object.keys(files);
      for (const line of lines.filter((each) => each.startsWith('COPY '))) {
        for (const source of line.split(' ').slice(1, -1)) {
          if (source.endsWith('*')) continue; // a lockfile, where the operator makes one
          expect(
            paths.some((path) => path === source || path.startsWith(`${source}/`)),
            source,
          ).toBe(true);
        }
      }
      const entry: string[] = JSON.parse(lines.at(-1)?.slice('ENTRYPOINT '.length) ?? '');
      const exposed = /^EXPOSE (\d+) (\d+)$/m.exec(String(files.Dockerfile));
      expect(entry.slice(-4)).toEqual(['--port', exposed?.[1], '--grpc-port', exposed?.[2]]);
      expect(lines).toContain('USER node');
      const manifest = JSON.parse(String(files['package.json']));
      expect(manifest.dependencies['@grpc/grpc-js']).toBe(packageJson.peerDependencies['@grpc/grpc-js']);
      expect(manifest.dependencies['recurrent-onnx']).toBe(given ? `file:./${given.file}` : '0.1.0');
      expect(given === undefined || files[given.file] === given.contents).toBe(true);
    },
  );
});

describe('the name of a service', () => {
  it('is made of any name of a model that has a letter or digit, or is asked for', () => {
    expect(serviceName(undefined, 'Spam LSTM (v2)')).toBe('spam-lstm-v2');
    expect(serviceName('mine', '???')).toBe('mine');
    expect(() => serviceName(undefined, '욕설')).toThrowError(expect.objectContaining({ code: 'OPTION_INVALID' }));
    for (const bad of ['', 'Upper', '-a', 'a-', 'a_b', 'a/../b', 'a'.repeat(64)]) {
      expect(() => serviceName(bad, 'spam'), bad).toThrowError(expect.objectContaining({ code: 'OPTION_INVALID' }));
    }
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (model) => {
        const usable = /[a-z0-9]/.test(model.toLowerCase());
        const name = () => serviceName(undefined, model);
        if (usable) expect(name()).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
        else expect(name).toThrow();
      }),
    );
  });
});
