/** Spans of requests, by OpenTelemetry's own SDK. */
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import protobuf from 'protobufjs';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { producer } from '../../../models/metadata/producer.ts';
import { inferenceProto } from '../../../runtime/serving/grpc/proto.ts';
import { mailModel, type Served, serve } from '../../support/serving.ts';

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';
const traceparent = `00-${traceId}-${spanId}-01`;

let server: Served;
beforeAll(async () => {
  provider.register();
  server = await serve({ 'mail.onnx': mailModel }, { grpcPort: 0 });
});
afterAll(async () => {
  await server.close();
  await provider.shutdown();
});
beforeEach(() => exporter.reset());

const infer = (data: readonly string[], shape = [data.length], headers = {}) =>
  server.ask('POST', '/v2/models/mail/infer', { inputs: [{ name: 'text', datatype: 'BYTES', shape, data }] }, headers);

const spanOf = async (): Promise<ReadableSpan> => {
  await expect.poll(() => exporter.getFinishedSpans().length).toBe(1);
  return exporter.getFinishedSpans()[0] ?? expect.fail();
};

it('is one for each request that runs a model, in the trace that the client is in', async () => {
  await infer(['w1', 'w2'], [2], { traceparent });
  const span = await spanOf();
  expect(span.instrumentationScope).toMatchObject(producer);
  expect(span).toMatchObject({ name: 'infer mail', kind: SpanKind.SERVER, status: { code: SpanStatusCode.UNSET } });
  expect(span.attributes).toEqual({ 'recurrent.model': 'mail', 'recurrent.version': '1', 'recurrent.rows': 2 });
  expect(span.spanContext().traceId).toBe(traceId);
  expect(span.parentSpanContext?.spanId).toBe(spanId);
  const [seconds, nanoseconds] = span.duration;
  expect(seconds + nanoseconds / 1e9).toBeGreaterThan(0);
  expect(JSON.stringify(span.attributes)).not.toContain('w1');
});

it('begins a trace of its own where the client is in none, and is one for the plain route', async () => {
  await server.ask('POST', '/v1/classify', { texts: ['w1', 'w2', 'w3'] });
  const span = await spanOf();
  expect(span.parentSpanContext).toBeUndefined();
  expect(span.attributes).toMatchObject({ 'recurrent.rows': 3 });
});

it('tells by which code a request failed; what is a mistake of the client is no fault of the server', async () => {
  expect((await infer(['w1'], [2])).status).toBe(400);
  const mistake = await spanOf();
  expect(mistake.attributes).toMatchObject({ 'error.type': 'INPUT_INVALID' });
  expect(mistake.status.code).toBe(SpanStatusCode.UNSET);
  exporter.reset();

  const slow = await serve({ 'mail.onnx': mailModel }, { maxDelayMs: 10_000, timeoutSeconds: 0.1 });
  expect((await slow.ask('POST', '/v1/classify', { text: 'w1' })).status).toBe(504);
  const late = await spanOf();
  expect(late.attributes).toMatchObject({ 'error.type': 'DEADLINE_EXCEEDED' });
  expect(late.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no answer within 100 ms' });
  await slow.close();
});

it('is of no request that runs no model', async () => {
  for (const path of ['/v2/health/ready', '/v2/models/mail', '/metrics', '/']) await server.ask('GET', path);
  await server.ask('POST', '/v2/models/none/infer', { inputs: [] });
  expect(exporter.getFinishedSpans()).toEqual([]);
});

it('is in the trace of a client of gRPC', async () => {
  const root = protobuf.parse(inferenceProto).root;
  const type = root.lookupType('inference.ModelInferRequest');
  const text = { name: 'text', datatype: 'BYTES', shape: [1], contents: { bytesContents: [Buffer.from('w1')] } };
  const bytes = Buffer.from(type.encode(type.fromObject({ modelName: 'mail', inputs: [text] })).finish());
  const metadata = new Metadata();
  metadata.set('traceparent', traceparent);
  const client = new Client(server.grpcAddress ?? '', credentials.createInsecure());
  await new Promise((resolve, reject) =>
    client.makeUnaryRequest(
      '/inference.GRPCInferenceService/ModelInfer',
      () => bytes,
      (answer) => answer,
      {},
      metadata,
      (error, answer) => (error ? reject(error) : resolve(answer)),
    ),
  );
  client.close();
  const span = await spanOf();
  expect(span.spanContext().traceId).toBe(traceId);
  expect(span.parentSpanContext?.spanId).toBe(spanId);
});

it('is inside the span that is active, such as that of an instrumentation of HTTP', async () => {
  const { loadTrace } = await import('../../../runtime/serving/tracing.ts');
  const run = await loadTrace();
  await trace.getTracer('app').startActiveSpan('POST', async (outer) => {
    const answer = await run({ name: 'infer x', headers: { traceparent }, attributes: {} }, async () => {
      expect(trace.getActiveSpan()).not.toBe(outer);
      return 7;
    });
    expect(answer).toBe(7);
    outer.end();
  });
  const [inner, outer] = exporter.getFinishedSpans();
  expect(inner).toMatchObject({ name: 'infer x', kind: SpanKind.INTERNAL });
  expect(inner?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId);
  expect(inner?.spanContext().traceId).not.toBe(traceId);
});
