/** The context of an image that runs the project's own server: it takes raw text, by the Open Inference Protocol. */
import { producer } from '../../models/metadata/producer.ts';
import type { Deployment, Files, Served } from './deployment.ts';

/** Of the server inside the container. */
export const port = 8080;

/** A packed copy of recurrent-onnx, to be installed instead of the one in the npm registry. */
export interface PackedPackage {
  /** E.g. `recurrent-onnx-0.1.0.tgz`. */
  readonly file: string;
  readonly contents: Uint8Array;
}

export function imageContext({ onnx, name }: Served, packed: PackedPackage | undefined): Files {
  const from = packed ? `file:./${packed.file}` : producer.version;
  const manifest = { private: true, dependencies: { [producer.name]: from } };
  return {
    Dockerfile: dockerfile(packed),
    '.dockerignore': '*\n!package.json\n!*.tgz\n!models\n',
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
      `docker build -t ${name} .`,
      `docker run --rm -p 8080:${port} ${name}`,
      `curl -s localhost:8080/v1/classify -H 'content-type: application/json' -d '{"text": "your text"}'`,
    ],
  };
}

/** onnxruntime-node needs glibc, which Alpine has not; the binaries of other systems are most of its size. */
function dockerfile(packed: PackedPackage | undefined): string {
  return `FROM node:22-slim
WORKDIR /app
ENV NODE_ENV=production
COPY package.json ${packed ? `${packed.file} ` : ''}./
RUN npm install --omit=dev --ignore-scripts --no-audit --no-fund \\
 && rm -rf node_modules/onnxruntime-node/bin/*/darwin node_modules/onnxruntime-node/bin/*/win32 \\
 && npm cache clean --force
COPY models ./models
USER node
EXPOSE ${port}
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \\
  CMD ["node", "-e", "fetch('http://127.0.0.1:${port}/v2/health/ready').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "node_modules/recurrent-onnx/dist/cli/main.js", "serve", "models", "--host", "0.0.0.0", "--port", "${port}"]
`;
}
