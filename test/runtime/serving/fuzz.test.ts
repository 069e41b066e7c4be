/** Requests with anything in them, always the same ones; test/long/serving-fuzz.long.ts sends others each time, for minutes. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Served } from '../../support/serving.ts';
import { fuzzConnections, fuzzedServer, fuzzGrpc, fuzzRequests } from '../../support/serving-fuzz.ts';

let server: Served;
beforeAll(async () => {
  server = await fuzzedServer();
});
afterAll(() => server.close());

it('survives requests with anything in them', async () => {
  const statuses = await fuzzRequests(server, { requests: 400 });
  expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400]));
});

it('survives headers with anything in them, and bytes that are no HTTP', () =>
  fuzzConnections(server, { requests: 100 }));

it('survives messages of gRPC with anything in them', async () => {
  const statuses = await fuzzGrpc(server, { requests: 400 });
  expect([...statuses.keys()]).toEqual(expect.arrayContaining(['OK', 'INVALID_ARGUMENT', 'NOT_FOUND']));
});
