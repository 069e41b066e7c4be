/**
 * An InferenceService of KServe. With an image the predictor is the project's own server, which takes raw text; with the
 * address of a model repository it is KServe's Triton, which takes ids, and raw text with a model that encodes it.
 */
import { fail } from '../../src/core/errors.ts';
import { type Deployment, inFolder, manifest, type Served } from './deployment.ts';
import { imageContext, lock, type PackedPackage, ports } from './docker.ts';
import { probes, serverContainer } from './kubernetes.ts';
import { modelRepository, type TritonOptions, textNote } from './triton.ts';

export interface OwnServer {
  readonly image: string;
  readonly replicas: number;
  /** What clients speak: KServe gives a predictor one port. */
  readonly protocol: 'http' | 'grpc';
}

export interface OnTriton extends TritonOptions {
  /** Where the model repository is, e.g. `pvc://models/repository` or `s3://bucket/repository`. */
  readonly storageUri: string;
  readonly replicas: number;
}

/** @throws OPTION_UNSUPPORTED */
export function kserveOwnServer(
  served: Served,
  { image, replicas, protocol }: OwnServer,
  packed: PackedPackage | undefined,
): Deployment {
  const container = { ...serverContainer(served, 'kserve-container', image), ...portAndProbes[protocol] };
  const predictor = { automountServiceAccountToken: false, containers: [container] };
  return {
    files: {
      ...inFolder('image', imageContext(served, packed)),
      'inference-service.yaml': inferenceService(served, predictor, replicas),
    },
    takesText: true,
    next: [
      ...lock('image'),
      `docker build -t ${image} image`,
      `docker push ${image}`,
      'kubectl apply -f inference-service.yaml',
    ],
  };
}

/**
 * KServe and Knative know the protocol of a port by its name, and Knative asks that probes go to that port. Where the
 * server speaks gRPC it is alive while it listens, and ready by gRPC's own health service.
 */
const portAndProbes = {
  http: { ports: [{ name: 'http1', containerPort: ports.http, protocol: 'TCP' }], ...probes },
  grpc: {
    ports: [{ name: 'h2c', containerPort: ports.grpc, protocol: 'TCP' }],
    readinessProbe: { grpc: { port: ports.grpc }, periodSeconds: 2, timeoutSeconds: 2 },
    livenessProbe: { tcpSocket: { port: ports.grpc }, periodSeconds: 10, timeoutSeconds: 5 },
  },
} as const;

/** The schemes that KServe's storage initialiser knows. */
const schemes = /^(gs|s3|hdfs|webhdfs|pvc|https?|hf|oci):\/\/\S+$/;

/** @throws OPTION_INVALID, OPTION_UNSUPPORTED */
export function kserveOnTriton(served: Served, { storageUri, replicas, ...options }: OnTriton): Deployment {
  if (!schemes.test(storageUri)) {
    const hint = 'Give an address such as pvc://claim/path, s3://bucket/path or gs://bucket/path.';
    fail('OPTION_INVALID', `--storage-uri ${storageUri} is no address that KServe knows`, hint);
  }
  const model = { modelFormat: { name: 'triton' }, protocolVersion: 'v2', storageUri };
  return {
    files: {
      ...inFolder('model-repository', modelRepository(served, options)),
      'inference-service.yaml': inferenceService(served, { model }, replicas),
    },
    takesText: options.text,
    next: [
      `# copy the contents of model-repository to ${storageUri}`,
      `kubectl apply -f inference-service.yaml${textNote(served, options)}`,
    ],
  };
}

/** The states of a text in pieces are in one copy, and KServe has no way to send all pieces there: it gets no second one. */
function inferenceService({ name, states }: Served, predictor: object, replicas: number): string {
  const alone = states.length > 0;
  if (alone && replicas > 1) {
    fail(
      'OPTION_UNSUPPORTED',
      `--replicas ${replicas}: the model carries states, and KServe may send each piece of a text to another copy`,
      'Leave it out for one copy, export without --states, or see recurrent deploy kubernetes.',
    );
  }
  const copies = { minReplicas: replicas, ...(alone && { maxReplicas: 1 }) };
  return manifest({
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name },
    spec: { predictor: { ...copies, ...predictor } },
  });
}
