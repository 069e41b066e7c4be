/** A Deployment, a Service and a PodDisruptionBudget for the image of `docker.ts`. */
import { type Deployment, inFolder, manifest, type Served } from './deployment.ts';
import { imageContext, lock, type PackedPackage, ports } from './docker.ts';

export interface KubernetesOptions {
  /** E.g. `registry.example.com/spam:1`. */
  readonly image: string;
  readonly replicas: number;
}

export function kubernetesDeployment(
  served: Served,
  { image, replicas }: KubernetesOptions,
  packed: PackedPackage | undefined,
): Deployment {
  const { name } = served;
  return {
    files: {
      ...inFolder('image', imageContext(served, packed)),
      'manifests/deployment.yaml': manifest(deployment(served, image, replicas)),
      'manifests/service.yaml': manifest(service(served)),
      'manifests/disruption-budget.yaml': manifest(disruptionBudget(name)),
    },
    takesText: true,
    next: [
      ...lock('image'),
      `docker build -t ${image} image`,
      `docker push ${image}`,
      'kubectl apply -f manifests',
      `kubectl rollout status deployment/${name}`,
    ],
  };
}

/** Seconds: until those who send requests have heard that a pod goes, and for the requests that it then still has. */
const [hearing, draining] = [5, 30];

function deployment(served: Served, image: string, replicas: number): object {
  const { name } = served;
  const labels = labelsOf(name);
  const container = {
    ...serverContainer(served, name, image),
    ports: Object.entries(ports).map(([name, containerPort]) => ({ name, containerPort, protocol: 'TCP' })),
    startupProbe: { ...probe('live'), periodSeconds: 1, failureThreshold: 60 },
    ...probes,
    lifecycle: { preStop: { exec: { command: ['sleep', String(hearing)] } } },
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      // A new pod answers before an old one goes.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        metadata: { labels },
        spec: {
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: hearing + draining + 5,
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: 'kubernetes.io/hostname',
              whenUnsatisfiable: 'ScheduleAnyway',
              labelSelector: { matchLabels: labels },
            },
          ],
          containers: [container],
        },
      },
    },
  };
}

/** A text in pieces has its states in one pod: there a client's requests all go to the same. */
function service({ name, states }: Served): object {
  const labels = labelsOf(name);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels },
    spec: {
      selector: labels,
      ...(states.length > 0 && { sessionAffinity: 'ClientIP' }),
      ports: [
        { name: 'http', port: 80, targetPort: 'http', appProtocol: 'http' },
        { name: 'grpc', port: ports.grpc, targetPort: 'grpc', appProtocol: 'kubernetes.io/h2c' },
      ],
    },
  };
}

/** Nodes that are emptied wait until all pods but one are ready. */
function disruptionBudget(name: string): object {
  const labels = labelsOf(name);
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name, labels },
    spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
  };
}

const labelsOf = (name: string) => ({ 'app.kubernetes.io/name': name });

const probe = (path: string) => ({ httpGet: { path: `/v2/health/${path}`, port: ports.http } });

export const probes = {
  readinessProbe: { ...probe('ready'), periodSeconds: 2, timeoutSeconds: 2 },
  livenessProbe: { ...probe('live'), periodSeconds: 10, timeoutSeconds: 5 },
} as const;

/**
 * What the container is wherever it runs; ports and probes are of the place. It fits the restricted profile of the Pod
 * Security Standards by itself: Knative, on which KServe may run, takes no security context of a pod.
 */
export function serverContainer({ onnx, name: service }: Served, name: string, image: string): object {
  // Two processes under load have 260 to 320 MiB of resident memory with a model of 6 MB.
  const memory = 512 + 8 * Math.ceil(onnx.length / 2 ** 20);
  return {
    name,
    image,
    // The cores of a node are not the container's: without this a run would have as many threads.
    args: ['--threads', '1'],
    env: [
      {
        name: 'RECURRENT_API_KEY',
        valueFrom: { secretKeyRef: { name: `${service}-api-key`, key: 'key', optional: true } },
      },
    ],
    resources: { requests: { cpu: '1', memory: `${memory}Mi` }, limits: { memory: `${2 * memory}Mi` } },
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 1000, // the user `node` of the image
      runAsGroup: 1000,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };
}
