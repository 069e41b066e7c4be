/**
 * HTTP with anything in it: requests grown from valid ones and bytes that are none. No crash, no hang, and no 500 at
 * all; one would have its id in the log. RECURRENT_FUZZ_SECONDS=600 makes it ten minutes.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mailModel, type Served, serve } from '../../support/serving.ts';

const seconds = Number(process.env.RECURRENT_FUZZ_SECONDS ?? 4);

let server: Served;
beforeAll(async () => {
  server = await serve({ 'mail.onnx': mailModel }, { timeoutSeconds: 2, maxBodyBytes: 50_000, modelControl: true });
});
afterAll(() => server.close());

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.constantFrom<unknown>(
    null,
    -1,
    0,
    2 ** 53,
    1e308,
    '',
    'text',
    'ids',
    'BYTES',
    'INT32',
    'INT64',
    [],
    {},
    [[]],
    [[[1]]],
  ),
);
const tensor = fc.record(
  {
    name: fc.oneof(fc.constantFrom('text', 'ids'), odd),
    datatype: fc.oneof(fc.constantFrom('BYTES', 'INT32', 'INT64', 'FP32'), odd),
    shape: fc.oneof(fc.array(fc.oneof(fc.integer({ min: -1, max: 4 }), odd), { maxLength: 3 }), odd),
    data: fc.oneof(fc.array(fc.oneof(fc.integer({ min: -2, max: 40 }), fc.string({ unit: 'binary' }), odd)), odd),
    parameters: fc.oneof(fc.record({ binary_data_size: fc.oneof(fc.integer({ min: -1, max: 40 }), odd) }), odd),
  },
  { requiredKeys: [] },
);
const output = fc.record(
  { name: fc.oneof(fc.constantFrom('label', 'logits', 'probabilities'), odd), parameters: odd },
  { requiredKeys: [] },
);
const body = fc.record(
  {
    id: odd,
    inputs: fc.oneof(fc.array(tensor, { maxLength: 3 }), odd),
    outputs: fc.oneof(fc.array(output, { maxLength: 3 }), odd),
    parameters: fc.oneof(fc.record({ timeout: odd, binary_data_output: odd }, { requiredKeys: [] }), odd),
    text: odd,
    texts: odd,
    model: odd,
    explain: odd,
  },
  { requiredKeys: [] },
);
const paths = [
  '/v2/models/mail/infer',
  '/v2/models/mail/versions/1/infer',
  '/v1/classify',
  '/v2/repository/index',
  '/v2/repository/models/none/load',
];
const request = fc.record({
  path: fc.oneof(fc.constantFrom(...paths), fc.webPath()),
  method: fc.oneof(
    { weight: 8, arbitrary: fc.constant('POST') },
    { weight: 1, arbitrary: fc.constantFrom('GET', 'PUT', 'DELETE') },
  ),
  body: fc.oneof(
    body.map((value) => JSON.stringify(value)),
    fc.uint8Array({ maxLength: 200 }),
    fc.string(),
  ),
  tail: fc.uint8Array({ maxLength: 40 }),
  jsonLength: fc.oneof(fc.constant(undefined), fc.nat(400).map(String), fc.constantFrom('-1', '1e3', '')),
  encoding: fc.constantFrom(undefined, undefined, undefined, 'gzip', 'deflate', 'br'),
});

it(
  `survives ${seconds} seconds of requests`,
  async () => {
    const statuses = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(request, async ({ path, method, body: given, tail, jsonLength, encoding }) => {
        const bytes = method === 'GET' ? undefined : Buffer.concat([Buffer.from(given as string), tail]);
        const { status, headers, json } = await server.ask(method, encodeURI(path), bytes, {
          ...(jsonLength !== undefined && { 'inference-header-content-length': jsonLength }),
          ...(encoding !== undefined && { 'content-encoding': encoding }),
        });
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        expect(status).toBeLessThan(500);
        expect(headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
        if (status >= 400)
          expect(json).toEqual({
            error: expect.any(String),
            code: expect.any(String),
            id: headers.get('x-request-id'),
          });
      }),
      { numRuns: 1_000_000, interruptAfterTimeLimit: seconds * 1000, markInterruptAsFailure: false },
    );
    expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400]));
    expect(server.log.filter(({ level }) => level >= 50)).toEqual([]);
    expect((await server.ask('POST', '/v1/classify', { text: 'w1' })).status).toBe(200);
  },
  seconds * 1000 + 60_000,
);

it('survives bytes that are no HTTP', async () => {
  const { hostname, port } = new URL(server.url);
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          fc.uint8Array({ maxLength: 60 }),
          fc.constantFrom(
            'POST /v1/classify HTTP/1.1\r\n',
            'host: x\r\n',
            'content-length: 5\r\n',
            'transfer-encoding: chunked\r\n',
            '\r\n',
            '5\r\nhello\r\n',
          ),
        ),
      ),
      async (pieces) => {
        const socket = connect(Number(port), hostname);
        socket.on('error', () => {});
        socket.resume();
        for (const piece of pieces) socket.write(piece);
        socket.end();
        await Promise.race([once(socket, 'close'), delay(20)]); // what it waits for may never come
        socket.destroy();
      },
    ),
    { numRuns: 300, interruptAfterTimeLimit: seconds * 500 },
  );
  expect((await server.ask('GET', '/v2/health/ready')).status).toBe(200);
});
