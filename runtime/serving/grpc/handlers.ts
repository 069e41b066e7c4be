/** What each method of the two gRPC services answers. */
import { fail } from '../../../src/core/errors.ts';
import { modelMetadata, serverMetadata } from '../protocol/metadata.ts';
import type { Caller, Service } from '../service.ts';
import { fromMessage, type ModelInferRequest, toMessage } from './messages.ts';

export type Handler = (request: never, caller: Caller) => object | Promise<object>;
export type Handlers = Readonly<Record<string, Handler>>;

/** Probes come every few seconds: they need no key, and are logged at level debug. */
export const probes: readonly string[] = ['ServerLive', 'ServerReady', 'Check'];

export const inferenceService = 'inference.GRPCInferenceService';
export const healthService = 'grpc.health.v1.Health';

interface Named {
  readonly name: string;
  readonly version: string;
}

export function inferenceHandlers(service: Service): Handlers {
  const { repository } = service;
  /** An empty version is none. */
  const find = (name: string, version: string) => repository.get(name, version || undefined);
  const control = (action: 'load' | 'unload') => async (request: { modelName: string; parameters: object }) => {
    service.checkModelControl();
    const [unknown] = Object.keys(request.parameters).filter((name) => name !== 'unload_dependents');
    if (unknown !== undefined) fail('OPTION_UNSUPPORTED', `${action} has the parameter ${unknown}`, 'It takes none.');
    await repository[action](request.modelName);
    return {};
  };
  return {
    ServerLive: () => ({ live: true }),
    ServerReady: () => ({ ready: service.ready }),
    ModelReady: ({ name, version }: Named) => ({ ready: service.isReady(name, version || undefined) }),
    ServerMetadata: () => serverMetadata,
    ModelMetadata: ({ name, version }: Named) => modelMetadata(find(name, version), repository.versionsOf(name)),
    ModelInfer: async (request: ModelInferRequest, caller) => {
      const model = find(request.modelName, request.modelVersion);
      return toMessage(await service.infer(model, fromMessage(request), caller));
    },
    RepositoryIndex: ({ ready }: { ready: boolean }) => {
      service.checkModelControl();
      return { models: repository.index().filter(({ state }) => !ready || state === 'READY') };
    },
    RepositoryModelLoad: control('load'),
    RepositoryModelUnload: control('unload'),
  };
}

/** https://github.com/grpc/grpc/blob/master/doc/health-checking.md */
export function healthHandlers(service: Service): Handlers {
  return {
    Check: ({ service: name }: { service: string }) => {
      if (name !== '' && name !== inferenceService) return { status: 'SERVICE_UNKNOWN' };
      return { status: service.ready ? 'SERVING' : 'NOT_SERVING' };
    },
  };
}
