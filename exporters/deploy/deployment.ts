/**
 * A deployment is a folder as plain data: paths and contents, from nothing but the model and what was asked. The same
 * model and options give the same bytes.
 */
import { createHash } from 'node:crypto';
import type { ModelMetadata } from '../../models/metadata/metadata.ts';
import { producer } from '../../models/metadata/producer.ts';

export const targetNames = ['triton', 'kserve', 'docker', 'kubernetes'] as const;
export type TargetName = (typeof targetNames)[number];

/** The exported file, what it says of itself, and the name under which it is to be served. */
export interface Served {
  readonly onnx: Uint8Array;
  readonly metadata: ModelMetadata;
  readonly name: string;
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

/** In every deployment, and in no other folder. */
export const marker = 'deployment.json';

/** All files of the folder: those of the deployment, what it is, and how to go on. */
export function deploymentFiles(target: TargetName, { onnx, metadata, name }: Served, deployment: Deployment): Files {
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

Labels: ${metadata.labels.join(', ')}. It takes ${describeDeployment(deployment)}.

\`\`\`sh
${next.join('\n')}
\`\`\`
`;
  return { ...files, [marker]: `${JSON.stringify(facts, null, 2)}\n`, 'README.md': readme };
}

export function describeDeployment({ takesText }: Deployment): string {
  return takesText
    ? 'raw text, and ids'
    : 'ids: clients encode texts themselves, by the vocabulary and preprocessing in the metadata of the file';
}
