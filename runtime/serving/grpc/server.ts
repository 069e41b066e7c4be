/** gRPC of the Open Inference Protocol, on the same models as REST. Its library is loaded only when it is asked for. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type * as Grpc from '@grpc/grpc-js';
import type { Logger } from 'pino';
import protobuf from 'protobufjs';
import { catalogue, fail, RecurrentError } from '../../../src/core/errors.ts';
import { checkApiKey } from '../api-key.ts';
import { describeFailure, logFailure } from '../failure.ts';
import { modelMetadata, serverMetadata } from '../protocol/metadata.ts';
import type { OnGone, Service } from '../service.ts';
import { fromMessage, type ModelInferRequest, toMessage } from './messages.ts';
import { healthProto, proto } from './proto.ts';

export interface GrpcServer {
  readonly port: number;
  /** Takes no new calls, and answers those that are there. */
  close(): Promise<void>;
}

interface Named {
  readonly name: string;
  readonly version: string;
}

type Call = Grpc.ServerUnaryCall<() => object, object>;
type Handler = (request: never, onGone: OnGone) => object | Promise<object>;

/** @throws PACKAGE_MISSING, LISTEN_FAILED */
export async function startGrpc(service: Service, port: number, logger: Logger): Promise<GrpcServer> {
  const grpc = await loadGrpc();
  const { settings } = service;
  const server = new grpc.Server({
    'grpc.max_receive_message_length': settings.maxBodyBytes,
    'grpc.max_send_message_length': -1,
  });
  const calls = countCalls();
  const root = new protobuf.Root();
  for (const text of [proto, healthProto]) protobuf.parse(text, root);
  addService(server, root, 'inference.GRPCInferenceService', protocolHandlers(service));
  addService(server, root, 'grpc.health.v1.Health', {
    Check: ({ service: name }: { service: string }) => ({ status: healthOf(service, name) }),
  });

  function addService(
    to: Grpc.Server,
    within: protobuf.Root,
    name: string,
    handlers: Readonly<Record<string, Handler>>,
  ) {
    within.resolveAll();
    const definition = within.lookupService(name);
    const methods = Object.entries(definition.methods).map(
      ([method, { resolvedRequestType, resolvedResponseType }]) => {
        const [requestType, responseType] = [resolvedRequestType, resolvedResponseType] as [
          protobuf.Type,
          protobuf.Type,
        ];
        return [
          method,
          {
            path: `/${name}/${method}`,
            requestStream: false,
            responseStream: false,
            requestSerialize: (value: object) =>
              Buffer.from(requestType.encode(requestType.fromObject(value)).finish()),
            requestDeserialize: (bytes: Buffer) => () => decode(requestType, bytes), // where an error can be answered
            responseSerialize: (value: object) =>
              Buffer.from(responseType.encode(responseType.fromObject(value)).finish()),
            responseDeserialize: (bytes: Buffer) => responseType.toObject(responseType.decode(bytes), asPlain),
          },
        ] as const;
      },
    );
    const implementation = Object.keys(definition.methods).map((method) => [
      method,
      unary(
        method,
        handlers[method] as Handler,
        method !== 'ServerLive' && method !== 'ServerReady' && method !== 'Check',
      ),
    ]);
    to.addService(Object.fromEntries(methods), Object.fromEntries(implementation));
  }

  function unary(method: string, handle: Handler, keyed: boolean): Grpc.handleUnaryCall<() => object, object> {
    return async (call: Call, answer) => {
      const id = randomUUID();
      const started = performance.now();
      calls.begin();
      const headers = new grpc.Metadata();
      headers.set('x-request-id', id);
      call.sendMetadata(headers);
      const tell = (status: string) => {
        const milliseconds = Number((performance.now() - started).toFixed(3));
        logger[keyed ? 'info' : 'debug']({ reqId: id, method, status, milliseconds }, 'request');
      };
      try {
        if (keyed && settings.apiKey !== undefined) checkApiKey(settings.apiKey, keyOf(call));
        answer(null, await handle(call.request() as never, (leave) => call.on('cancelled', leave)));
        tell('OK');
      } catch (error) {
        const known =
          error instanceof RecurrentError
            ? error
            : new RecurrentError('INTERNAL', 'the server has a fault', `The log has it under ${id}.`, { cause: error });
        const status = catalogue[known.code].grpc;
        logFailure(logger.child({ reqId: id }), known, error);
        answer({ code: grpc.status[status], details: `${known.code}: ${describeFailure(known)}` });
        tell(status);
      } finally {
        calls.end();
      }
    };
  }

  const credentials = settings.tls
    ? grpc.ServerCredentials.createSsl(null, [
        { cert_chain: Buffer.from(settings.tls.cert), private_key: Buffer.from(settings.tls.key) },
      ])
    : grpc.ServerCredentials.createInsecure();
  const injector = server.createConnectionInjector(credentials);
  const sockets = new Set<Socket>();
  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    injector.injectConnection(socket);
  });
  listener.listen({ host: settings.host, port });
  await once(listener, 'listening').catch((error: Error) => {
    const hint = 'Another program may have this port: choose another by --grpc-port.';
    fail('LISTEN_FAILED', `cannot listen at ${settings.host}:${port}: ${error.message}`, hint, error);
  });

  /** gRPC's own end would wait for every connection, those too on which nothing was ever asked. */
  function close(): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(late);
        server.forceShutdown();
        for (const socket of sockets) socket.destroy();
        resolve();
      };
      const late = setTimeout(end, settings.timeoutSeconds * 1000);
      listener.close();
      server.tryShutdown(end); // from now on it takes no calls
      calls.whenAnswered(() => setTimeout(end, graceMs));
    });
  }

  return { port: (listener.address() as AddressInfo).port, close };
}

/** For answers that are on their way. */
const graceMs = 100;

/** Calls that are not answered yet. */
function countCalls() {
  let open = 0;
  let tell: (() => void) | undefined;
  return {
    begin: () => {
      open++;
    },
    end() {
      open--;
      if (open === 0) tell?.();
    },
    /** Calls `then` once, now or when the last call is answered. */
    whenAnswered(then: () => void) {
      if (open === 0) then();
      else tell = then;
    },
  };
}

/** Numbers of 64 bits as numbers: shapes and ids are far below 2^53, and what is above is refused either way. */
const asPlain: protobuf.IConversionOptions = { longs: Number, defaults: true, arrays: true, objects: true };

/** @throws REQUEST_INVALID */
function decode(type: protobuf.Type, bytes: Buffer): object {
  try {
    return type.toObject(type.decode(bytes), asPlain);
  } catch (error) {
    const reason = (error as Error).message;
    return fail('REQUEST_INVALID', `the message is no ${type.name}: ${reason}`, 'Send it as protobuf.', error);
  }
}

async function loadGrpc(): Promise<typeof Grpc> {
  try {
    return await import('@grpc/grpc-js');
  } catch (error) {
    return fail('PACKAGE_MISSING', 'gRPC needs the package @grpc/grpc-js', 'Run `npm install @grpc/grpc-js`.', error);
  }
}

function protocolHandlers(service: Service): Readonly<Record<string, Handler>> {
  const { repository, settings } = service;
  const find = ({ name, version }: Named) => repository.get(name, version === '' ? undefined : version);
  const controlled = async (work: () => unknown) => {
    if (!settings.modelControl) {
      fail('MODEL_CONTROL_OFF', 'this server does not let clients manage its models', 'Start it with --model-control.');
    }
    return (await work()) as object;
  };
  const control = (action: 'load' | 'unload') => (request: { modelName: string; parameters: object }) =>
    controlled(async () => {
      const [unknown] = Object.keys(request.parameters).filter((name) => name !== 'unload_dependents');
      if (unknown !== undefined) fail('OPTION_UNSUPPORTED', `${action} has the parameter ${unknown}`, 'It takes none.');
      await repository[action](request.modelName);
      return {};
    });
  return {
    ServerLive: () => ({ live: true }),
    ServerReady: () => ({ ready: service.ready }),
    ModelReady: (request: Named) => {
      try {
        find(request);
        return { ready: true };
      } catch (error) {
        if (error instanceof RecurrentError && error.code === 'NOT_READY') return { ready: false };
        throw error;
      }
    },
    ServerMetadata: () => serverMetadata,
    ModelMetadata: (request: Named) => {
      const model = find(request);
      return modelMetadata(model, repository.versionsOf(model.name));
    },
    ModelInfer: async (request: ModelInferRequest, onGone) => {
      const model = find({ name: request.modelName, version: request.modelVersion });
      return toMessage(await service.infer(model, fromMessage(request), onGone));
    },
    RepositoryIndex: ({ ready }: { ready: boolean }) =>
      controlled(() => ({ models: repository.index().filter(({ state }) => !ready || state === 'READY') })),
    RepositoryModelLoad: control('load'),
    RepositoryModelUnload: control('unload'),
  };
}

function healthOf(service: Service, name: string): 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN' {
  if (name !== '' && name !== 'inference.GRPCInferenceService') return 'SERVICE_UNKNOWN';
  return service.ready ? 'SERVING' : 'NOT_SERVING';
}

function keyOf({ metadata }: Call): string | undefined {
  const [bearer] = metadata.get('authorization');
  const [own] = metadata.get('x-api-key');
  return /^Bearer +(\S+)$/i.exec(String(bearer ?? ''))?.[1] ?? (own === undefined ? undefined : String(own));
}
