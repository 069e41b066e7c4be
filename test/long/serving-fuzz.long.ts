/**
 * Requests with anything in them, at a server that runs its model in a process of its own: no crash, no hang, no 500, no
 * fault in the log. Prints how often each status was answered.
 *
 * RECURRENT_FUZZ_SECONDS: of all three together (90).
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Served } from '../support/serving.ts';
import { fuzzConnections, fuzzedServer, fuzzGrpc, fuzzRequests } from '../support/serving-fuzz.ts';

const seconds = Number(process.env.RECURRENT_FUZZ_SECONDS ?? 90);
const timeout = seconds * 1000 + 120_000;

let server: Served;
beforeAll(async () => {
  server = await fuzzedServer({ isolation: 'process' });
}, 60_000);
afterAll(() => server.close());

const tell = (what: string, counts: ReadonlyMap<number | string, number>) =>
  console.log(`${what}: ${[...counts].map(([status, count]) => `${status} ${count}`).join(', ')}`);

it('survives requests', { timeout }, async () => {
  const statuses = await fuzzRequests(server, { seconds: seconds * 0.6 });
  tell('HTTP', statuses);
  expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400, 404, 405, 415]));
});

it('survives headers, and bytes that are no HTTP', { timeout }, () =>
  fuzzConnections(server, { seconds: seconds * 0.15 }),
);

it('survives messages of gRPC', { timeout }, async () => {
  const statuses = await fuzzGrpc(server, { seconds: seconds * 0.25 });
  tell('gRPC', statuses);
  expect([...statuses.keys()]).toEqual(expect.arrayContaining(['OK', 'INVALID_ARGUMENT', 'NOT_FOUND']));
});
