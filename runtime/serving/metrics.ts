/** Counters in Prometheus' form: names and units of Triton's metrics, so that its dashboards and alerts work. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { BatchRecord } from '../batching/batcher.ts';
import type { Repository } from './repository.ts';
import type { ServedModel } from './served-model.ts';

export interface Metrics {
  /** What is read off the models whenever somebody asks. Called once. */
  watch(repository: Repository): void;
  /** The exposition and its media type. */
  read(): Promise<{ readonly text: string; readonly type: string }>;
  /** A request of a model has ended. */
  request(model: ModelLabels, outcome: Outcome): void;
  /** A batch has run. */
  batch(model: ModelLabels, batch: BatchRecord): void;
  close(): void;
}

export type ModelLabels = { readonly model: string; readonly version: string };

export interface Outcome {
  readonly milliseconds: number;
  readonly rows: number;
  /** Code of the error, if it failed. */
  readonly error?: string | undefined;
}

export function labelsOf({ name, version }: { readonly name: string; readonly version: string | number }): ModelLabels {
  return { model: name, version: String(version) };
}

const labelNames = ['model', 'version'] as const;

/** Of this process, however many servers it runs one after another: prom-client never stops to watch it. */
let processMetrics: Registry | undefined;

function watchProcess(): Registry {
  if (!processMetrics) {
    processMetrics = new Registry();
    collectDefaultMetrics({ register: processMetrics });
  }
  return processMetrics;
}

export function createMetrics(): Metrics {
  const ofProcess = watchProcess();
  const registry = new Registry();
  const registers = [registry];
  const counter = (name: string, help: string, more: readonly string[] = []) =>
    new Counter({ name, help, labelNames: [...labelNames, ...more], registers });

  const success = counter('nv_inference_request_success', 'Requests that were answered');
  const failure = counter('nv_inference_request_failure', 'Requests that failed', ['reason']);
  const rows = counter('nv_inference_count', 'Rows that were answered');
  const batches = counter('nv_inference_exec_count', 'Batches that ran');
  const duration = counter('nv_inference_request_duration_us', 'Time of requests from end to end, in microseconds');
  const queue = counter('nv_inference_queue_duration_us', 'Time that requests waited for a batch, in microseconds');
  const compute = counter('nv_inference_compute_infer_duration_us', 'Time of the model, in microseconds');
  const latency = new Histogram({
    name: 'recurrent_request_duration_seconds',
    help: 'Time of requests from end to end',
    labelNames,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const batchRows = new Histogram({
    name: 'recurrent_batch_rows',
    help: 'Rows of a batch',
    labelNames,
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers,
  });
  return {
    watch(repository) {
      const gauge = (name: string, help: string, read: () => readonly (readonly [ModelLabels, number])[]) =>
        new Gauge({
          ...{ name, help, labelNames, registers },
          collect() {
            this.reset();
            for (const [labels, value] of read()) this.set(labels, value);
          },
        });
      const ofModels = (name: string, help: string, count: (model: ServedModel) => number) =>
        gauge(name, help, () => repository.models.map((model) => [labelsOf(model), count(model)]));
      ofModels(
        'nv_inference_pending_request_count',
        'Rows that wait for a batch',
        ({ classifier }) => classifier.load().waiting,
      );
      ofModels(
        'recurrent_processes',
        'Child processes that run a model',
        ({ classifier }) => classifier.load().processes.length,
      );
      ofModels(
        'recurrent_processes_lost',
        'Child processes that died or hung since the model was loaded',
        ({ classifier }) => classifier.load().lost,
      );
      ofModels('recurrent_sequences', 'Texts in pieces that are open', ({ sequences }) => sequences.count);
      gauge('recurrent_model_ready', '1 for each version that is ready', () =>
        repository.index().map((entry) => [labelsOf(entry), entry.state === 'READY' ? 1 : 0]),
      );
    },
    async read() {
      const texts = await Promise.all([ofProcess.metrics(), registry.metrics()]);
      return { text: texts.join(''), type: registry.contentType };
    },
    request(labels, { milliseconds, rows: count, error }) {
      if (error !== undefined) {
        failure.inc({ ...labels, reason: error });
        return;
      }
      success.inc(labels);
      rows.inc(labels, count);
      duration.inc(labels, milliseconds * 1000);
      latency.observe(labels, milliseconds / 1000);
    },
    batch(labels, batch) {
      batches.inc(labels);
      queue.inc(labels, batch.waitedMs * 1000);
      compute.inc(labels, batch.ranMs * 1000);
      batchRows.observe(labels, batch.rows);
    },
    close: () => registry.clear(),
  };
}
