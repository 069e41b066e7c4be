/** gRPC of the Open Inference Protocol, on the same models as REST. Its library is loaded only when it is asked for. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import type * as Grpc from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { catalogue, fail, RecurrentError } from '../../../src/core/errors.ts';
import { checkApiKey } from '../api-key.ts';
import { describeFailure, logFailure } from '../failure.ts';
import type { Caller, Service } from '../service.ts';
import {
  type Handler,
  type Handlers,
  healthHandlers,
  healthService,
  inferenceHandlers,
  inferenceService,
  probes,
} from './handlers.ts';
import { healthProto, inferenceProto } from './proto.ts';
import { createReflection, type ReflectionRequest, reflectionServices } from './reflection.ts';
import { type LazyRequest, serviceDefinition } from './service-definition.ts';

export interface GrpcServer {
  readonly port: number;
  /** Takes no new calls, and answers those that are there. */
  close(): Promise<void>;
}

type Call = Grpc.ServerUnaryCall<LazyRequest, object>;
type Stream = Grpc.ServerDuplexStream<LazyRequest, object>;

/** @throws PACKAGE_MISSING, LISTEN_FAILED */
export async function startGrpc(service: Service, port: number, logger: Logger): Promise<GrpcServer> {
  const grpc = await loadGrpc();
  const { settings } = service;
  const server = new grpc.Server({
    'grpc.max_receive_message_length': settings.maxBodyBytes,
    'grpc.max_send_message_length': -1,
  });
  const calls = countCalls();
  addService(inferenceProto, inferenceService, inferenceHandlers(service));
  addService(healthProto, healthService, healthHandlers(service));
  const reflect = createReflection([inferenceProto, healthProto, ...reflectionServices.map(({ proto }) => proto)]);
  for (const { proto, name } of reflectionServices)
    server.addService(serviceDefinition(proto, name), {
      ServerReflectionInfo: stream('ServerReflectionInfo', reflect),
    });

  function addService(proto: string, name: string, handlers: Handlers): void {
    const methods = Object.entries(handlers).map(([method, handle]) => [method, unary(method, handle)]);
    server.addService(serviceDefinition(proto, name), Object.fromEntries(methods));
  }

  function unary(method: string, handle: Handler): Grpc.handleUnaryCall<LazyRequest, object> {
    const isProbe = probes.includes(method);
    return async (call: Call, answer) => {
      const { tell, refusalOf } = receive(call, method, isProbe ? 'debug' : 'info');
      calls.begin();
      try {
        if (!isProbe) checkApiKey(settings.apiKey, credentialsOf(call));
        answer(null, await handle(call.request() as never, callerOf(call)));
        tell('OK');
      } catch (error) {
        answer(refusalOf(error));
      } finally {
        calls.end();
      }
    };
  }

  /** Each request of the stream gets its answer. An end of the server does not wait for it: it may stay open for hours. */
  function stream(
    method: string,
    handle: (request: ReflectionRequest) => object,
  ): Grpc.handleBidiStreamingCall<LazyRequest, object> {
    return (call: Stream) => {
      const { tell, refusalOf } = receive(call, method, 'info');
      const refuse = (error: unknown) => call.emit('error', refusalOf(error));
      const answers = new Transform({
        objectMode: true,
        transform(request: LazyRequest, _, done) {
          try {
            done(null, handle(request()));
          } catch (error) {
            done(error as Error);
          }
        },
      });
      answers.once('error', refuse).once('end', () => tell('OK'));
      try {
        checkApiKey(settings.apiKey, credentialsOf(call));
        call.pipe(answers).pipe(call as unknown as NodeJS.WritableStream); // of objects, which that type does not know
      } catch (error) {
        refuse(error);
      }
    };
  }

  /** Gives a call its id; `tell` writes how it ended into the log, and so does `refusalOf`, which gives the answer. */
  function receive(call: Call | Stream, method: string, level: 'info' | 'debug') {
    const id = randomUUID();
    const started = performance.now();
    const headers = new grpc.Metadata();
    headers.set('x-request-id', id);
    call.sendMetadata(headers);
    const tell = (status: string) => {
      const milliseconds = Number((performance.now() - started).toFixed(3));
      logger[level]({ reqId: id, method, status, milliseconds }, 'request');
    };
    const refusalOf = (error: unknown) => {
      const known =
        error instanceof RecurrentError
          ? error
          : new RecurrentError('INTERNAL', 'the server has a fault', `The log has it under ${id}.`, { cause: error });
      const status = catalogue[known.code].grpc;
      logFailure(logger.child({ reqId: id }), known, error);
      tell(status);
      return { code: grpc.status[status], details: `${known.code}: ${describeFailure(known)}` };
    };
    return { tell, refusalOf };
  }

  const injector = server.createConnectionInjector(serverCredentials(grpc, settings.tls));
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

async function loadGrpc(): Promise<typeof Grpc> {
  try {
    return await import('@grpc/grpc-js');
  } catch (error) {
    return fail('PACKAGE_MISSING', 'gRPC needs the package @grpc/grpc-js', 'Run `npm install @grpc/grpc-js`.', error);
  }
}

function serverCredentials(
  { ServerCredentials }: typeof Grpc,
  tls: { readonly cert: string; readonly key: string } | undefined,
): Grpc.ServerCredentials {
  if (!tls) return ServerCredentials.createInsecure();
  return ServerCredentials.createSsl(null, [{ cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) }]);
}

function callerOf(call: Call): Caller {
  return { onGone: (leave) => call.on('cancelled', leave), headers: call.metadata.getMap() };
}

function credentialsOf({ metadata }: Call | Stream) {
  return {
    authorization: metadata.get('authorization')[0]?.toString(),
    apiKey: metadata.get('x-api-key')[0]?.toString(),
  };
}
