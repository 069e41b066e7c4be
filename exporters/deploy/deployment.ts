/**
 * A deployment is a folder as plain data: paths and contents, from nothing but the model and what was asked. The same
 * model and options give the same bytes.
 */
import { createHash } from 'node:crypto';
import { stringify } from 'yaml';
import { type ModelMetadata, readMetadata } from '../../models/metadata/metadata.ts';
import { producer } from '../../models/metadata/producer.ts';
import { planModel, type StateSpec } from '../../models/plan.ts';
import { decodeOnnx } from '../onnx/decode.ts';
import { serviceName } from './name.ts';

export const targetNames = ['triton', 'kserve', 'docker', 'kubernetes'] as const;
export type TargetName = (typeof targetNames)[number];

/** The exported file, what it says of itself, and the name under which it is to be served. */
export interface Served {
  readonly onnx: Uint8Array;
  readonly metadata: ModelMetadata;
  readonly name: string;
  /** What it carries from piece to piece of a text, where it was exported with states. */
  readonly states: readonly StateSpec[];
}

/**
 * @param name asked for; default: made from the model's
 * @throws ONNX_INVALID, METADATA_INVALID, OPTION_INVALID
 */
export function openServed(onnx: Uint8Array, name?: string): Served {
  const metadata = readMetadata(onnx);
  const carries = decodeOnnx(onnx).inputs.length > 1;
  return {
    onnx,
    metadata,
    name: serviceName(name, metadata.spec.name),
    states: carries ? planModel(metadata.spec).states : [],
  };
}

/** Contents by path, relative to the folder; parts of a path are divided by `/`. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

export interface Deployment {
  readonly files: Files;
  /** Whether clients may send raw text; else they send ids and have to encode texts themselves. */
  readonly takesText: boolean;
  /** Command lines that go on from here, run inside the folder. */
  readonly next: readonly string[];
}

/** `files` one folder deeper. */
export function inFolder(folder: string, files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([path, contents]) => [`${folder}/${path}`, contents]));
}

/** As YAML for people: what is there twice is written twice. */
export function manifest(contents: object): string {
  return stringify(contents, { aliasDuplicateObjects: false });
}

/** In every deployment, and in no other folder. */
export const marker = 'deployment.json';

/** All files of the folder: those of the deployment, what it is, and how to go on. */
export function deploymentFiles(target: TargetName, served: Served, deployment: Deployment): Files {
  const { onnx, metadata, name } = served;
  const { files, takesText, next } = deployment;
  const facts = {
    target,
    name,
    takesText,
    model: {
      name: metadata.spec.name,
      labels: metadata.labels,
      sha256: createHash('sha256').update(onnx).digest('hex'),
    },
    producer,
  };
  const readme = `# ${name} on ${target}

Labels: ${metadata.labels.join(', ')}. It takes ${describeDeployment(served, deployment)}.

\`\`\`sh
${next.join('\n')}
\`\`\`
`;
  return { ...files, [marker]: `${JSON.stringify(facts, null, 2)}\n`, 'README.md': readme };
}

export function describeDeployment({ states }: Served, { takesText }: Deployment): string {
  if (takesText) return `raw text${states.length > 0 ? ', whole or as a sequence of requests' : ''}, and ids`;
  const pieces = states.length > 0 ? ', each text as a sequence of requests' : '';
  return `ids${pieces}: clients encode texts themselves, by the vocabulary and preprocessing in the metadata of the file`;
}
