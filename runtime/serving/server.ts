/** A server of exported classifiers, over the Open Inference Protocol. */
import type { AddressInfo } from 'node:net';
import { type Logger, pino } from 'pino';
import { fail } from '../../src/core/errors.ts';
import type { ProviderName } from '../onnx/providers.ts';
import { type SessionOptions, sessionOptionNames } from '../onnx/session-options.ts';
import type { ClassifierOptions } from '../predict/classifier.ts';
import { findModels } from './find-models.ts';
import type { GrpcServer } from './grpc/server.ts';
import { createMetrics, labelsOf, type Metrics } from './metrics.ts';
import { readServeOptions, type ServeOptions, type ServeSettings } from './options.ts';
import { createRepository, type RepositoryEvent } from './repository.ts';
import { createApp } from './rest/app.ts';
import { type ModelFile, openServedModel } from './served-model.ts';
import { createService } from './service.ts';
import { loadTrace } from './tracing.ts';

/** A server that listens. */
export interface RunningServer {
  /** Where HTTP listens, e.g. `http://127.0.0.1:8000`. */
  readonly url: string;
  /** Where gRPC listens, e.g. `127.0.0.1:8001`, if it was asked for. */
  readonly grpcAddress: string | undefined;
  /** The models that it serves. */
  readonly models: readonly {
    readonly name: string;
    readonly version: number;
    readonly path: string;
    /** Execution providers in order of preference. */
    readonly providers: readonly ProviderName[];
  }[];
  /** Takes no new requests, answers those that are there, frees the models. Further calls do nothing. */
  close(): Promise<void>;
}

/** What a server gets from its program. */
export interface ServeContext {
  /** Gets a line a request and an event. Default: silent. */
  readonly logger?: Logger;
}

/**
 * Serves an ONNX file, or a folder of them laid out as a model repository.
 *
 * @throws OPTION_INVALID, OPTION_UNKNOWN, OPTION_UNSUPPORTED, FILE_NOT_FOUND, FILE_ACCESS, LISTEN_FAILED, PACKAGE_MISSING, ONNX_INVALID,
 * METADATA_INVALID, PROVIDER_MISSING, PROVIDER_FALLBACK
 */
export async function startServer(
  source: string,
  options: ServeOptions = {},
  { logger = pino({ enabled: false }) }: ServeContext = {},
): Promise<RunningServer> {
  const settings = readServeOptions(options);
  const find = () => findModels(source, settings.name);
  await find(); // a folder without models is told before a port is taken
  const metrics = createMetrics();
  const repository = createRepository({
    find,
    open: (file) => openServedModel(file, classifierOptions(settings, file, metrics), settings),
    onEvent: (event) => logEvent(logger, event),
    onBlind: (err) => logger.error({ err }, 'the files of the models cannot be looked at; those that are open go on'),
  });
  metrics.watch(repository);
  const service = createService(repository, settings, metrics, await loadTrace());
  const app = createApp(service, logger);
  let grpc: GrpcServer | undefined;
  let timer: NodeJS.Timeout | undefined;

  let closing: Promise<void> | undefined;
  async function close(): Promise<void> {
    service.stop();
    clearTimeout(timer);
    await Promise.all([app.close(), grpc?.close()]);
    await repository.dispose();
    metrics.close();
  }

  try {
    await app.listen({ host: settings.host, port: settings.port }).catch((error) => listenFailed(settings, error));
    if (settings.grpcPort !== undefined) {
      const { startGrpc } = await import('./grpc/server.ts');
      grpc = await startGrpc(service, settings.grpcPort, logger);
    }
    await repository.loadAll();
  } catch (error) {
    await close();
    throw error;
  }

  const watch = () => {
    timer = setTimeout(async () => {
      await repository.refresh();
      if (!closing) watch();
    }, settings.reloadSeconds * 1000).unref();
  };
  if (settings.reloadSeconds > 0) watch();

  return {
    url: urlOf(app.server.address() as AddressInfo, settings),
    grpcAddress: grpc && `${hostOf(settings.host)}:${grpc.port}`,
    models: repository.models.map(({ name, version, path, classifier }) => ({
      name,
      version,
      path,
      providers: classifier.providers,
    })),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

function classifierOptions(
  { isolation, workers, timeoutSeconds, maxBatch, maxDelayMs, maxQueue, ...settings }: ServeSettings,
  file: ModelFile,
  metrics: Metrics,
): ClassifierOptions {
  const labels = labelsOf(file);
  return {
    ...sessionOptionsOf(settings),
    isolation,
    // Nobody waits longer for an answer than `timeoutSeconds`: a process that takes as long hangs.
    ...(isolation === 'process' && { workers, timeoutMs: Math.max(1000, timeoutSeconds * 1000) }),
    batching: { maxBatch, maxDelayMs, maxQueue, onBatch: (batch) => metrics.batch(labels, batch) },
  };
}

function sessionOptionsOf(settings: Partial<ServeSettings>): SessionOptions {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => sessionOptionNames.includes(name)));
}

function logEvent(logger: Logger, { event, name, version, model, error }: RepositoryEvent): void {
  const facts = { model: name, version };
  if (event === 'failed') logger.error({ ...facts, err: error }, 'model not loaded');
  else logger.info({ ...facts, ...(model && { provider: model.classifier.providerNote }) }, `model ${event}`);
  for (const warning of model?.classifier.warnings ?? []) logger.warn(facts, warning);
}

function urlOf({ address, port }: AddressInfo, { tls }: ServeSettings): string {
  return `${tls ? 'https' : 'http'}://${hostOf(address)}:${port}`;
}

function hostOf(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

function listenFailed({ host, port }: ServeSettings, error: NodeJS.ErrnoException): never {
  const hint =
    error.code === 'EADDRINUSE'
      ? 'Another program has this port: choose another by --port.'
      : 'Choose another address or port.';
  fail('LISTEN_FAILED', `cannot listen at ${host}:${port}: ${error.message}`, hint, error);
}
