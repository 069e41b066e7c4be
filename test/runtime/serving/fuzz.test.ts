/** Requests with anything in them, for a few seconds; test/long/serving-fuzz.long.ts goes on for minutes. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Served } from '../../support/serving.ts';
import { fuzzConnections, fuzzedServer, fuzzGrpc, fuzzRequests } from '../../support/serving-fuzz.ts';

let server: Served;
beforeAll(async () => {
  server = await fuzzedServer();
});
afterAll(() => server.close());

it('survives requests with anything in them', async () => {
  const statuses = await fuzzRequests(server, 2);
  expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400]));
});

it('survives headers with anything in them, and bytes that are no HTTP', () => fuzzConnections(server, 1));

it('survives messages of gRPC with anything in them', async () => {
  const statuses = await fuzzGrpc(server, 1);
  expect([...statuses.keys()]).toEqual(expect.arrayContaining(['OK', 'INVALID_ARGUMENT', 'NOT_FOUND']));
});
