/** What REST and gRPC both call: inference with its deadline, its metrics and its end when the server stops. */
import { fail, RecurrentError } from '../../src/core/errors.ts';
import { withDeadline } from './deadline.ts';
import { labelsOf, type Metrics } from './metrics.ts';
import type { ServeSettings } from './options.ts';
import { infer, timeoutOf } from './protocol/infer.ts';
import type { InferRequest } from './protocol/request.ts';
import type { InferResponse } from './protocol/response.ts';
import type { Repository } from './repository.ts';
import type { ServedModel } from './served-model.ts';
import type { Trace } from './tracing.ts';

export interface Service {
  readonly repository: Repository;
  readonly settings: ServeSettings;
  readonly metrics: Metrics;
  /** Whether new work is taken: every model of the start is loaded, and the server is not stopping. */
  readonly ready: boolean;
  readonly stopping: boolean;
  /** From now on it is not ready. */
  stop(): void;
  /** Whether a model, by default its highest version, takes requests. @throws MODEL_UNKNOWN */
  isReady(name: string, version?: string): boolean;
  /** @throws MODEL_CONTROL_OFF unless clients may load and unload models */
  checkModelControl(): void;
  infer(model: ServedModel, request: InferRequest, caller: Caller): Promise<InferResponse>;
  /** Any work on a model, measured and traced. */
  measured<T>(
    model: ServedModel,
    rows: (result: T) => number,
    caller: Caller,
    work: Work<T>,
    timeoutMs?: number,
  ): Promise<T>;
}

/** Who asks. */
export interface Caller {
  /** Registers what is to be called when the client is gone. */
  readonly onGone: (leave: () => void) => void;
  /** Of HTTP, or the metadata of gRPC. */
  readonly headers: Readonly<Record<string, unknown>>;
}
type Work<T> = (signal: AbortSignal) => Promise<T>;

export function createService(
  repository: Repository,
  settings: ServeSettings,
  metrics: Metrics,
  trace: Trace,
): Service {
  let stopping = false;
  const longest = settings.timeoutSeconds * 1000;

  async function measured<T>(
    model: ServedModel,
    rowsOf: (result: T) => number,
    { onGone, headers }: Caller,
    work: Work<T>,
    timeoutMs = longest,
  ): Promise<T> {
    const labels = labelsOf(model);
    const attributes = { 'recurrent.model': labels.model, 'recurrent.version': labels.version };
    const started = performance.now();
    try {
      return await trace({ name: `infer ${labels.model}`, headers, attributes }, async (tell) => {
        const result = await withDeadline(Math.min(timeoutMs, longest), onGone, work);
        const rows = rowsOf(result);
        tell({ 'recurrent.rows': rows });
        metrics.request(labels, { milliseconds: performance.now() - started, rows });
        return result;
      });
    } catch (error) {
      const reason = error instanceof RecurrentError ? error.code : 'INTERNAL';
      metrics.request(labels, { milliseconds: performance.now() - started, rows: 0, error: reason });
      throw error;
    }
  }

  return {
    repository,
    settings,
    metrics,
    get ready() {
      return !stopping && repository.ready;
    },
    get stopping() {
      return stopping;
    },
    stop() {
      stopping = true;
    },
    isReady(name, version) {
      try {
        repository.get(name, version);
        return true;
      } catch (error) {
        if (error instanceof RecurrentError && error.code === 'NOT_READY') return false;
        throw error;
      }
    },
    checkModelControl() {
      if (settings.modelControl) return;
      const hint = 'Start it with --model-control.';
      fail('MODEL_CONTROL_OFF', 'this server does not let clients manage its models', hint);
    },
    measured,
    infer(model, request, caller) {
      const microseconds = timeoutOf(request);
      return measured(
        model,
        ({ outputs: [first] }) => first?.shape[0] ?? 0,
        caller,
        (signal) => infer(model, request, settings, signal),
        microseconds ? microseconds / 1000 : undefined,
      );
    },
  };
}
