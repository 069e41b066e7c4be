/** A Deployment and a Service for the image of `docker.ts`. */
import { stringify } from 'yaml';
import type { Deployment, Served } from './deployment.ts';
import { inFolder } from './deployment.ts';
import { imageContext, type PackedPackage, port } from './docker.ts';

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
      'manifests/deployment.yaml': stringify(deployment(name, image, replicas)),
      'manifests/service.yaml': stringify(service(name)),
    },
    takesText: true,
    next: [`docker build -t ${image} image`, `docker push ${image}`, 'kubectl apply -f manifests'],
  };
}

function deployment(name: string, image: string, replicas: number): object {
  const labels = { 'app.kubernetes.io/name': name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      // A new pod answers before an old one goes.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: { metadata: { labels }, spec: { ...podSecurity, containers: [serverContainer(name, image)] } },
    },
  };
}

function service(name: string): object {
  const labels = { 'app.kubernetes.io/name': name };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels },
    spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
  };
}

/** What the restricted profile of the Pod Security Standards asks for. 1000 is the user `node` of the image. */
export const podSecurity = {
  automountServiceAccountToken: false,
  securityContext: {
    runAsNonRoot: true,
    runAsUser: 1000,
    runAsGroup: 1000,
    seccompProfile: { type: 'RuntimeDefault' },
  },
} as const;

/** @param portName as the system that reads it wants it */
export function serverContainer(name: string, image: string, portName = 'http'): object {
  const probe = (path: string) => ({ httpGet: { path: `/v2/health/${path}`, port } });
  return {
    name,
    image,
    ports: [{ name: portName, containerPort: port, protocol: 'TCP' }],
    env: [
      {
        name: 'RECURRENT_API_KEY',
        valueFrom: { secretKeyRef: { name: `${name}-api-key`, key: 'key', optional: true } },
      },
    ],
    startupProbe: { ...probe('ready'), periodSeconds: 1, failureThreshold: 60 },
    readinessProbe: { ...probe('ready'), periodSeconds: 2 },
    livenessProbe: { ...probe('live'), periodSeconds: 10, failureThreshold: 3 },
    resources: { requests: { cpu: '500m', memory: '256Mi' }, limits: { memory: '1Gi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
  };
}
