/**
 * Requests with anything in them, grown from valid ones. Whatever comes, the server answers: with no 500 and no fault in
 * its log, and every refusal in the form of its errors.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, credentials, Metadata, type ServiceError, status as statuses } from '@grpc/grpc-js';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { expect } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import { healthProto, inferenceProto } from '../../runtime/serving/grpc/proto.ts';
import type { ServeOptions } from '../../runtime/serving/options.ts';
import { mailModel, type Served, serve } from './serving.ts';

/** Takes all that clients can send: pieces, model control, gRPC. */
export const fuzzedServer = (options: ServeOptions = {}) =>
  serve(
    { 'mail.onnx': exportOnnx(mailModel, { states: true }) },
    { maxBodyBytes: 50_000, maxSequences: 50, modelControl: true, grpcPort: 0, ...options },
  );

/** How much is sent: always the same requests, so many of them; or others each time, for so many seconds. */
export type Effort = { readonly requests: number } | { readonly seconds: number };

/** A share of it, as parameters of a property. */
const effort = (whole: Effort, share = 1) =>
  'requests' in whole
    ? { seed: 1, numRuns: Math.ceil(whole.requests * share) }
    : { numRuns: 1e8, interruptAfterTimeLimit: whole.seconds * share * 1000, markInterruptAsFailure: false };

/** It has no fault in its log, and classifies as before. */
async function expectWell(server: Served): Promise<void> {
  expect(server.log.filter(({ level }) => level >= 50)).toEqual([]);
  expect((await server.ask('POST', '/v1/classify', { text: 'w1' })).status).toBe(200);
}

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.constantFrom<unknown>(null, -1, 0, 2 ** 53, 1e308, '', 'text', 'ids', 'BYTES', 'INT32', [], {}, [[]], [[[1]]]),
);
const orOdd = <T>(usual: fc.Arbitrary<T>) => fc.oneof({ weight: 6, arbitrary: usual }, { weight: 1, arbitrary: odd });
const dimension = fc.integer({ min: -1, max: 4 });
const parameters = fc.record(
  {
    timeout: orOdd(fc.nat(1e6)),
    binary_data_output: orOdd(fc.boolean()),
    sequence_id: orOdd(fc.nat(60)),
    sequence_start: orOdd(fc.boolean()),
    sequence_end: orOdd(fc.boolean()),
  },
  { requiredKeys: [] },
);
const tensor = fc.record(
  {
    name: orOdd(fc.constantFrom('text', 'ids')),
    datatype: orOdd(fc.constantFrom('BYTES', 'INT32', 'INT64', 'FP32')),
    shape: orOdd(fc.array(orOdd(dimension), { maxLength: 3 })),
    data: orOdd(fc.array(fc.oneof(fc.integer({ min: -2, max: 40 }), fc.string({ unit: 'binary' }), odd))),
    parameters: orOdd(fc.record({ binary_data_size: orOdd(fc.integer({ min: -1, max: 40 })) })),
  },
  { requiredKeys: [] },
);
const output = fc.record(
  { name: orOdd(fc.constantFrom('label', 'logits', 'probabilities')), parameters: odd },
  { requiredKeys: [] },
);
const anyBody = fc.record(
  {
    id: odd,
    inputs: orOdd(fc.array(tensor, { maxLength: 3 })),
    outputs: orOdd(fc.array(output, { maxLength: 3 })),
    parameters: orOdd(parameters),
    text: odd,
    texts: odd,
    model: odd,
    explain: odd,
  },
  { requiredKeys: [] },
);

interface Request {
  readonly path: string;
  readonly method: string;
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

const paths = [
  '/v2/models/mail/infer',
  '/v2/models/mail/versions/1/infer',
  '/v1/classify',
  '/v2/repository/index',
  '/v2/repository/models/none/load',
];
const anyRequest: fc.Arbitrary<Request> = fc
  .record({
    path: fc.oneof(fc.constantFrom(...paths), fc.webPath()),
    method: fc.oneof(
      { weight: 8, arbitrary: fc.constant('POST') },
      { weight: 1, arbitrary: fc.constantFrom('GET', 'PUT', 'DELETE') },
    ),
    body: fc.oneof(
      anyBody.map((value) => JSON.stringify(value)),
      fc.uint8Array({ maxLength: 200 }),
      fc.string(),
    ),
    tail: fc.uint8Array({ maxLength: 40 }),
    jsonLength: fc.oneof(fc.constant(undefined), fc.nat(400).map(String), fc.constantFrom('-1', '1e3', '')),
    encoding: fc.constantFrom(undefined, undefined, undefined, 'gzip', 'deflate', 'br'),
  })
  .map(({ path, method, body, tail, jsonLength, encoding }) => ({
    path,
    method,
    bytes: Buffer.concat([Buffer.from(body as string), tail]),
    headers: {
      ...(jsonLength !== undefined && { 'inference-header-content-length': jsonLength }),
      ...(encoding !== undefined && { 'content-encoding': encoding }),
    },
  }));

/** By the binary extension: raw tensors that fit what the JSON says, or nearly. */
const binaryRequest: fc.Arbitrary<Request> = fc
  .record({
    texts: fc.array(fc.oneof(fc.string(), fc.uint8Array({ maxLength: 12 })), { minLength: 1, maxLength: 4 }),
    lengthOff: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer() }),
    sizeOff: fc.oneof(
      { weight: 4, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: -9, max: 9 }) },
    ),
    headOff: fc.oneof(
      { weight: 4, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: -9, max: 9 }) },
    ),
    input: tensor,
    parameters,
    asked: fc.array(fc.constantFrom('label', 'logits', 'probabilities'), { maxLength: 3 }),
  })
  .map(({ texts, lengthOff, sizeOff, headOff, input, parameters: given, asked }) => {
    const raw = Buffer.concat(
      texts.flatMap((text) => {
        const bytes = Buffer.from(text as string);
        const length = Buffer.alloc(4);
        length.writeUInt32LE((bytes.length + lengthOff) >>> 0);
        return [length, bytes];
      }),
    );
    const usual = { name: 'text', datatype: 'BYTES', shape: [texts.length] };
    const size = { parameters: { binary_data_size: raw.length + sizeOff } };
    const { data: _, parameters: __, ...own } = input;
    const head = Buffer.from(
      JSON.stringify({
        inputs: [{ ...usual, ...(sizeOff > 4 ? own : {}), ...size }],
        outputs: asked.map((name) => ({ name, parameters: { binary_data: name !== 'label' } })),
        ...(headOff > 4 ? { parameters: given } : {}),
      }),
    );
    return {
      path: '/v2/models/mail/infer',
      method: 'POST',
      bytes: Buffer.concat([head, raw]),
      headers: {
        'content-type': 'application/octet-stream',
        'inference-header-content-length': String(Math.max(0, head.length + headOff)),
      },
    };
  });

/** @returns how often each status was answered */
export async function fuzzRequests(server: Served, whole: Effort): Promise<Map<number, number>> {
  const counts = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(fc.oneof(anyRequest, binaryRequest), async ({ path, method, bytes, headers: given }) => {
      const answer = await server.ask(method, encodeURI(path), method === 'GET' ? undefined : bytes, given);
      const { status, headers, json } = answer;
      counts.set(status, (counts.get(status) ?? 0) + 1);
      const id = headers.get('x-request-id');
      expect(id).toMatch(/^[\da-f-]{36}$/);
      if (status >= 500) expect(status).toBe(504); // the only one that a client can ask for, by a timeout
      if (status >= 400) expect(json).toEqual({ error: expect.any(String), code: expect.any(String), id });
    }),
    effort(whole),
  );
  await expectWell(server);
  return counts;
}

/** Writes to a connection, and gives what comes back until it is closed or silent. */
async function talk(address: string, pieces: readonly (string | Uint8Array)[], silenceMs: number): Promise<string> {
  const { hostname, port } = new URL(address);
  const socket = connect(Number(port), hostname);
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  for (const piece of pieces) socket.write(piece);
  socket.end();
  await Promise.race([once(socket, 'close'), delay(silenceMs)]); // what it waits for may never come
  socket.destroy();
  return heard;
}

const headerName = fc.constantFrom(
  'content-type',
  'content-encoding',
  'content-length',
  'transfer-encoding',
  'inference-header-content-length',
  'accept-encoding',
  'authorization',
  'x-api-key',
  'connection',
  'expect',
  'upgrade',
  'host',
  'te',
  'x-request-id',
);
const headerValue = fc.oneof(
  fc.constantFrom('application/json', 'gzip', 'chunked', 'close', '100-continue', 'h2c', '5', '0', '-1', '1e3', ''),
  fc.string({ maxLength: 40 }),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);

/** Requests whose headers are anything, and bytes that are no HTTP. */
export async function fuzzConnections(server: Served, whole: Effort): Promise<void> {
  const line = fc.constantFrom(
    'POST /v1/classify HTTP/1.1\r\nhost: x\r\n',
    'POST /v2/models/mail/infer HTTP/1.1\r\nhost: x\r\n',
    'GET /metrics HTTP/1.1\r\nhost: x\r\n',
    'GET /v2/health/ready HTTP/1.0\r\n',
  );
  const header = fc.tuple(headerName, headerValue).map(([name, value]) => `${name}: ${value}\r\n`);
  const body = fc.constantFrom('\r\n', '\r\n{"text": "w1"}', '\r\n5\r\nhello\r\n0\r\n\r\n', '\r\n\r\n');
  const bytes = fc.array(fc.oneof(fc.uint8Array({ maxLength: 60 }), line, header, body), { maxLength: 8 });
  const request = fc.tuple(line, fc.array(header, { maxLength: 6 }), body).map((parts) => [parts.flat().join('')]);
  await fc.assert(
    fc.asyncProperty(fc.oneof(request, bytes), async (pieces) => {
      const heard = await talk(
        server.url,
        pieces.map((each) => (typeof each === 'string' ? Buffer.from(each, 'latin1') : each)),
        25,
      );
      expect(heard).not.toMatch(/^HTTP\/1\.1 5/m);
    }),
    effort(whole),
  );
  await expectWell(server);
}

const root = new protobuf.Root();
for (const text of [inferenceProto, healthProto]) protobuf.parse(text, root);
root.resolveAll();

const inferMessage = root.lookupType('inference.ModelInferRequest');
const choice = fc.oneof(
  fc.record({ boolParam: fc.boolean() }),
  fc.record({ int64Param: fc.nat(60) }),
  fc.record({ stringParam: fc.string({ maxLength: 5 }) }),
);
const message = fc
  .record({
    modelName: fc.constantFrom('mail', 'mail', 'mail', 'none', ''),
    modelVersion: fc.constantFrom('', '1', '2'),
    id: fc.string({ maxLength: 5 }),
    parameters: fc.dictionary(
      fc.constantFrom('timeout', 'sequence_id', 'sequence_start', 'sequence_end', 'priority', 'x'),
      choice,
      { maxKeys: 3 },
    ),
    inputs: fc.array(
      fc.record({
        name: fc.constantFrom('text', 'ids', 'x'),
        datatype: fc.constantFrom('BYTES', 'INT32', 'INT64', 'FP32', 'x'),
        shape: fc.array(dimension, { maxLength: 3 }),
        contents: fc.record(
          {
            bytesContents: fc.array(fc.uint8Array({ maxLength: 6 }), { maxLength: 3 }),
            intContents: fc.array(fc.integer({ min: -1, max: 40 }), { maxLength: 4 }),
            int64Contents: fc.array(fc.integer({ min: -1, max: 40 }), { maxLength: 4 }),
          },
          { requiredKeys: [] },
        ),
      }),
      { maxLength: 2 },
    ),
    outputs: fc.array(fc.record({ name: fc.constantFrom('label', 'logits', 'x') }), { maxLength: 2 }),
    rawInputContents: fc.array(fc.uint8Array({ maxLength: 16 }), { maxLength: 2 }),
  })
  .map((value) => inferMessage.encode(inferMessage.fromObject(value)).finish());

/** Bytes of a message, some of them changed. */
const damaged = fc
  .tuple(message, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }))
  .map(([bytes, changes]) => {
    const copy = bytes.slice();
    for (const [at, value] of changes) if (copy.length > 0) copy[at % copy.length] = value;
    return copy;
  });

const methods = [
  'ModelInfer',
  'ModelInfer',
  'ModelInfer',
  'ModelMetadata',
  'ModelReady',
  'RepositoryIndex',
  'ServerReady',
];

/** @returns how often each status was answered */
export async function fuzzGrpc(server: Served, whole: Effort): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const client = new Client(server.grpcAddress ?? '', credentials.createInsecure());
  const same = (bytes: Buffer) => bytes;
  const call = (method: string, bytes: Uint8Array) =>
    new Promise<string>((resolve) => {
      const path = `/inference.GRPCInferenceService/${method}`;
      const options = { deadline: Date.now() + 60_000 };
      client.makeUnaryRequest(
        path,
        same,
        same,
        Buffer.from(bytes),
        new Metadata(),
        options,
        (error: ServiceError | null) => resolve(statuses[error?.code ?? statuses.OK] as string),
      );
    });
  const bytes = fc.oneof(message, damaged, fc.uint8Array({ maxLength: 100 }));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...methods), bytes, async (method, sent) => {
      const status = await call(method, sent);
      counts.set(status, (counts.get(status) ?? 0) + 1);
      expect(['OK', 'INVALID_ARGUMENT', 'NOT_FOUND', 'RESOURCE_EXHAUSTED', 'DEADLINE_EXCEEDED']).toContain(status);
    }),
    effort(whole, 0.8),
  );
  client.close();
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
  const frames = fc.array(fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(preface, '\0\0\0\x04\0\0\0\0\0')));
  await fc.assert(
    fc.asyncProperty(frames, async (pieces) => {
      await talk(`http://${server.grpcAddress}`, pieces, 10);
    }),
    effort(whole, 0.2),
  );
  const probe = new Client(server.grpcAddress ?? '', credentials.createInsecure());
  const isReady = await new Promise((resolve) =>
    probe.makeUnaryRequest(
      '/inference.GRPCInferenceService/ServerReady',
      same,
      same,
      Buffer.alloc(0),
      new Metadata(),
      { deadline: Date.now() + 60_000 },
      (error) => resolve(error ?? 'ready'),
    ),
  );
  probe.close();
  expect(isReady).toBe('ready');
  await expectWell(server);
  return counts;
}
