import { basename, extname } from 'node:path';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import type { Deployment, Served, TargetName } from '../../../exporters/deploy/deployment.ts';
import { fail } from '../../core/errors.ts';
import { readFileWhole } from '../../core/files.ts';
import { writeFolder } from '../../core/folders.ts';
import { defineCommand, defineGroup, required, withExamples, withOptions } from '../command.ts';
import { openTrainedModel } from '../open/trained-model.ts';
import { number } from '../options/kinds.ts';
import { facts } from '../terminal/table.ts';
import type { TerminalOptions } from '../terminal/terminal.ts';

const out = new Option('--out <folder>', 'the folder to write');
const force = new Option('--force', 'replace the deployment that --out already holds');
const name = new Option('--name <name>', "name of the service (default: from the model's name)");
const packed = new Option(
  '--package <file>',
  "a recurrent-onnx packed by npm pack for the image, instead of the registry's",
);
const image = new Option('--image <reference>', 'name of the image, with registry and tag');
const grpc = new Option('--grpc', 'clients speak gRPC instead of HTTP');
const storageUri = new Option(
  '--storage-uri <address>',
  'where the model repository will be: serves ids with Triton instead of texts',
);
const text = new Option('--text', "beside the model one that takes texts: encodes them in Triton's Python backend");
const defaults = { replicas: 2, maxBatch: 64, maxDelayUs: 2000 } as const;
const replicas = number('--replicas <n>', 'copies that run', z.int().min(1).max(1000).default(defaults.replicas));
const maxBatch = number(
  '--max-batch <n>',
  'rows that run together',
  z.int().min(1).max(4096).default(defaults.maxBatch),
);
const maxDelay = number(
  '--max-delay-us <n>',
  'microseconds for which rows wait for others',
  z.int().min(0).max(1_000_000).default(defaults.maxDelayUs),
);

interface Options extends TerminalOptions {
  readonly out?: string;
  readonly force?: boolean;
  readonly name?: string;
  readonly package?: string;
  readonly image?: string;
  readonly grpc?: boolean;
  readonly storageUri?: string;
  readonly replicas?: number;
  readonly maxBatch?: number;
  readonly maxDelayUs?: number;
  readonly text?: boolean;
}

/** `recurrent deploy`: folders that serving systems take as they are. */
export function deploy(): Command {
  const description = 'write what serves a model with Triton, KServe, Docker or Kubernetes';
  return defineGroup('deploy', description, triton(), kserve(), docker(), kubernetes());
}

const onTriton = ({ maxBatch = defaults.maxBatch, maxDelayUs = defaults.maxDelayUs, text = false }: Options) => ({
  maxBatchSize: maxBatch,
  maxQueueDelayMicroseconds: maxDelayUs,
  text,
});

function triton(): Command {
  return withExamples(
    target(
      'triton',
      "a model repository of NVIDIA's Triton, which takes ids, and texts with --text",
      [maxBatch, maxDelay, text],
      async (served, options) => {
        const { tritonDeployment } = await import('../../../exporters/deploy/triton.ts');
        return tritonDeployment(served, onTriton(options));
      },
    ),
    'recurrent deploy triton model.onnx --out deploy/triton',
    'recurrent deploy triton runs/spam --out deploy/triton --name spam --max-batch 256 --text',
  );
}

function kserve(): Command {
  return withExamples(
    target(
      'kserve',
      'an InferenceService of KServe, with our own server or with Triton',
      [image, packed, grpc, storageUri, replicas, maxBatch, maxDelay, text],
      async (served, options) => {
        const { kserveOnTriton, kserveOwnServer } = await import('../../../exporters/deploy/kserve.ts');
        const { storageUri: address, replicas: minimum = served.states.length > 0 ? 1 : defaults.replicas } = options;
        if (address === undefined) {
          refuseOthers(options, [maxBatch, maxDelay, text], 'our own server, which batches by itself and takes texts');
          const protocol = options.grpc ? 'grpc' : 'http';
          const own = { image: imageOf(served, options), replicas: minimum, protocol } as const;
          return kserveOwnServer(served, own, await packageOf(options));
        }
        refuseOthers(options, [image, packed, grpc], '--storage-uri: Triton serves there, not our own server');
        return kserveOnTriton(served, { storageUri: address, replicas: minimum, ...onTriton(options) });
      },
    ),
    'recurrent deploy kserve model.onnx --out deploy/kserve --image registry.example.com/spam:1',
    'recurrent deploy kserve model.onnx --out deploy/kserve --storage-uri pvc://models/spam',
  );
}

function docker(): Command {
  return withExamples(
    target('docker', 'the context of an image with recurrent serve', [packed], async (served, options) => {
      const { dockerDeployment } = await import('../../../exporters/deploy/docker.ts');
      return dockerDeployment(served, await packageOf(options));
    }),
    'recurrent deploy docker model.onnx --out deploy/docker',
    'recurrent deploy docker runs/spam --out deploy/docker --package recurrent-onnx-0.1.0.tgz',
  );
}

function kubernetes(): Command {
  return withExamples(
    target(
      'kubernetes',
      'that image, a Deployment and a Service',
      [image, packed, replicas],
      async (served, options) => {
        const { kubernetesDeployment } = await import('../../../exporters/deploy/kubernetes.ts');
        const own = { image: imageOf(served, options), replicas: options.replicas ?? defaults.replicas };
        return kubernetesDeployment(served, own, await packageOf(options));
      },
    ),
    'recurrent deploy kubernetes model.onnx --out deploy/kubernetes --image registry.example.com/spam:1',
  );
}

function target(
  to: TargetName,
  description: string,
  options: readonly Option[],
  build: (served: Served, options: Options) => Promise<Deployment>,
): Command {
  const command = defineCommand(to, description, async (terminal, given: Options, model: string) => {
    const folder = required(given.out, out.flags);
    const { describeDeployment, deploymentFiles, marker, openServed } = await import(
      '../../../exporters/deploy/deployment.ts'
    );
    const served = openServed(await exported(model), given.name);
    const deployment = await build(served, given);
    const files = deploymentFiles(to, served, deployment);
    await writeFolder(folder, files, { replace: given.force ?? false, marker });
    const { takesText, next } = deployment;
    terminal.answer(
      { target: to, folder, name: served.name, takesText, files: Object.keys(files), next },
      facts([
        ['written', `${folder}: ${Object.keys(files).length} files`],
        ['takes', describeDeployment(served, deployment)],
        ['next', `cd ${folder}`],
        ...next.map((line): [string, string] => ['', line]),
      ]),
    );
  })
    .usage('[options] <model> --out <folder>')
    .argument('<model>', 'an ONNX file, the folder of a run, or a .safetensors file');
  return withOptions(command, out, force, name, ...options);
}

/** The file, or what exporting the model gives. @throws what opening it throws */
async function exported(path: string): Promise<Uint8Array> {
  if (extname(path) === '.onnx') return readFileWhole(path);
  const { exportOnnx } = await import('../../../exporters/export.ts');
  return exportOnnx(await openTrainedModel(path));
}

/** @throws FILE_NOT_FOUND, FILE_ACCESS, OPTION_INVALID */
async function packageOf({ package: path }: Options) {
  if (path === undefined) return undefined;
  const contents = await readFileWhole(path);
  const gzip = contents[0] === 0x1f && contents[1] === 0x8b;
  const file = basename(path);
  if (gzip && /^[\w.-]+\.tgz$/.test(file)) return { file, contents };
  return fail('OPTION_INVALID', `${path} is no packed package`, 'Make one with `npm pack`: it ends in .tgz.');
}

/** A reference as Docker reads it: lower case, an optional registry, tag and digest. @throws OPTION_INVALID */
function imageOf({ name: service }: Served, { image: asked = `${service}:1` }: Options): string {
  const form =
    /^(?:[\w.-]+(?::\d+)?\/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/;
  if (form.test(asked)) return asked;
  return fail('OPTION_INVALID', `--image ${asked} is no name of an image`, 'Write it as registry.example.com/spam:1.');
}

/** @throws OPTION_UNSUPPORTED */
function refuseOthers(options: Options, refused: readonly Option[], path: string): void {
  const given = refused.find((option) => options[option.attributeName() as keyof Options] !== undefined);
  if (given)
    fail('OPTION_UNSUPPORTED', `${given.long} does not go with ${path}`, 'See recurrent deploy kserve --help.');
}
