/** The context of an image that runs the project's own server: it takes raw text, by the Open Inference Protocol. */
import { producer } from '../../models/metadata/producer.ts';
import type { Deployment, Files, Served } from './deployment.ts';

/** Of the server inside the container. */
export const ports = { http: 8080, grpc: 8081 } as const;

/** The range of the package's peer: a test holds them together. */
const grpcPackage = { '@grpc/grpc-js': '^1.14.7' };

/** A packed copy of recurrent-onnx, to be installed instead of the one in the npm registry. */
export interface PackedPackage {
  /** E.g. `recurrent-onnx-0.1.0.tgz`. */
  readonly file: string;
  readonly contents: Uint8Array;
}

export function imageContext({ onnx, name }: Served, packed: PackedPackage | undefined): Files {
  const from = packed ? `file:./${packed.file}` : producer.version;
  const manifest = { private: true, dependencies: { [producer.name]: from, ...grpcPackage } };
  return {
    Dockerfile: dockerfile(packed),
    '.dockerignore': '*\n!package.json\n!package-lock.json\n!*.tgz\n!models\n',
    'package.json': `${JSON.stringify(manifest, null, 2)}\n`,
    ...(packed && { [packed.file]: packed.contents }),
    [`models/${name}/1/model.onnx`]: onnx,
  };
}

export function dockerDeployment(served: Served, packed: PackedPackage | undefined): Deployment {
  const { name } = served;
  return {
    files: imageContext(served, packed),
    takesText: true,
    next: [
      ...lock('.'),
      `docker build -t ${name} .`,
      `docker run --rm -p 8080:${ports.http} -p 8081:${ports.grpc} ${name}`,
      `curl -s localhost:8080/v1/classify -H 'content-type: application/json' -d '{"text": "your text"}'`,
    ],
  };
}

/** A lockfile beside the manifest: every build installs the same versions. */
export function lock(folder: string): readonly string[] {
  return [`npm install --prefix ${folder} --package-lock-only --ignore-scripts # pins what the image installs`];
}

/**
 * onnxruntime-node needs glibc, which Alpine has not; the binaries of other systems are most of its size. What is
 * installed belongs to root, and the server runs as `node`: it can change neither its code nor its model.
 */
function dockerfile(packed: PackedPackage | undefined): string {
  const health = `fetch('http://127.0.0.1:${ports.http}/v2/health/ready').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))`;
  const serve = ['serve', 'models', '--host', '0.0.0.0', '--port', ports.http, '--grpc-port', ports.grpc].map(String);
  return `FROM node:24-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production
COPY package.json package-lock.json* ${packed ? `${packed.file} ` : ''}./
RUN if [ -f package-lock.json ]; then install=ci; else install=install; fi \\
 && npm $install --omit=dev --ignore-scripts --no-audit --no-fund \\
 && rm -rf node_modules/onnxruntime-node/bin/*/darwin node_modules/onnxruntime-node/bin/*/win32 \\
 && npm cache clean --force
COPY models ./models
USER node
EXPOSE ${ports.http} ${ports.grpc}
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \\
  CMD ${execForm(['node', '-e', health])}
ENTRYPOINT ${execForm(['node', 'node_modules/recurrent-onnx/dist/cli/main.js', ...serve])}
`;
}

/** Without a shell, so that the server is process 1 and gets SIGTERM itself. */
function execForm(words: readonly string[]): string {
  return `[${words.map((word) => JSON.stringify(word)).join(', ')}]`;
}
