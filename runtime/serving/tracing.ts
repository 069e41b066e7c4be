/**
 * Traces by the OpenTelemetry API: where its package is installed and an SDK was registered before the server started,
 * each request that runs a model is a span. Without them nothing is recorded, and a request costs nothing more.
 */
import type { Attributes, Span } from '@opentelemetry/api';
import { producer } from '../../models/metadata/producer.ts';
import { catalogue, RecurrentError } from '../../src/core/errors.ts';

/** Runs the work of a request in a span; `tell` adds what is known of it at its end. */
export type Trace = <T>(
  request: TracedRequest,
  work: (tell: (attributes: Attributes) => void) => Promise<T>,
) => Promise<T>;

export interface TracedRequest {
  readonly name: string;
  /** They may carry the trace that the request belongs to, as W3C's `traceparent`. */
  readonly headers: Readonly<Record<string, unknown>>;
  readonly attributes: Attributes;
}

export async function loadTrace(): Promise<Trace> {
  const api = await import('@opentelemetry/api').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  });
  if (!api) return (_, work) => work(() => {});
  const { context, propagation, SpanKind, SpanStatusCode, trace } = api;

  function fail(span: Span, error: unknown): void {
    const { code, message } = error instanceof RecurrentError ? error : { code: 'INTERNAL' as const, message: '' };
    span.setAttribute('error.type', code);
    if (catalogue[code].http >= 500) span.setStatus({ code: SpanStatusCode.ERROR, message }); // else the client's mistake
  }

  return ({ name, headers, attributes }, work) => {
    const around = context.active();
    const isInside = trace.getSpan(around) !== undefined; // such as that of an instrumentation of HTTP
    const parent = isInside ? around : propagation.extract(around, headers);
    const kind = isInside ? SpanKind.INTERNAL : SpanKind.SERVER;
    const tracer = trace.getTracer(producer.name, producer.version);
    return tracer.startActiveSpan(name, { kind, attributes }, parent, async (span) => {
      try {
        return await work((known) => span.setAttributes(known));
      } catch (error) {
        fail(span, error);
        throw error;
      } finally {
        span.end();
      }
    });
  };
}
