/**
 * An InferenceService of KServe. With an image the predictor is the project's own server, which takes raw text; with the
 * address of a model repository it is KServe's Triton, which takes ids.
 */
import { stringify } from 'yaml';
import { fail } from '../../src/core/errors.ts';
import { type Deployment, inFolder, type Served } from './deployment.ts';
import { imageContext, type PackedPackage } from './docker.ts';
import { podSecurity, serverContainer } from './kubernetes.ts';
import { modelRepository, type TritonOptions } from './triton.ts';

export interface OwnServer {
  readonly image: string;
  readonly replicas: number;
}

export interface OnTriton extends TritonOptions {
  /** Where the model repository is, e.g. `pvc://models/repository` or `s3://bucket/repository`. */
  readonly storageUri: string;
  readonly replicas: number;
}

export function kserveOwnServer(
  served: Served,
  { image, replicas }: OwnServer,
  packed: PackedPackage | undefined,
): Deployment {
  // KServe knows the port of HTTP by this name.
  const container = serverContainer('kserve-container', image, 'http1');
  return {
    files: {
      ...inFolder('image', imageContext(served, packed)),
      'inference-service.yaml': inferenceService(served.name, { ...podSecurity, containers: [container] }, replicas),
    },
    takesText: true,
    next: [`docker build -t ${image} image`, `docker push ${image}`, 'kubectl apply -f inference-service.yaml'],
  };
}

/** The schemes that KServe's storage initialiser knows. */
const schemes = /^(gs|s3|hdfs|webhdfs|pvc|https?|hf|oci):\/\/\S+$/;

/** @throws OPTION_INVALID */
export function kserveOnTriton(served: Served, { storageUri, replicas, ...options }: OnTriton): Deployment {
  if (!schemes.test(storageUri)) {
    const hint = 'Give an address such as pvc://claim/path, s3://bucket/path or gs://bucket/path.';
    fail('OPTION_INVALID', `--storage-uri ${storageUri} is no address that KServe knows`, hint);
  }
  const model = { modelFormat: { name: 'triton' }, protocolVersion: 'v2', storageUri };
  return {
    files: {
      ...inFolder('model-repository', modelRepository(served, options)),
      'inference-service.yaml': inferenceService(served.name, { model }, replicas),
    },
    takesText: false,
    next: [`# copy the contents of model-repository to ${storageUri}`, 'kubectl apply -f inference-service.yaml'],
  };
}

function inferenceService(name: string, predictor: object, replicas: number): string {
  return stringify({
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name },
    spec: { predictor: { minReplicas: replicas, ...predictor } },
  });
}
