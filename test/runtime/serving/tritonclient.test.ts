/** NVIDIA's own clients of the protocol, unchanged: HTTP in JSON, HTTP in binary form, gRPC. */
import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportOnnx } from '../../../exporters/export.ts';
import { expectedProbabilities, mailModel, type Served, serve, tolerance } from '../../support/serving.ts';

const python = process.env.ONNX_PYTHON ?? 'python3';
const missing =
  spawnSync(python, ['-c', 'import tritonclient.http, tritonclient.grpc']).status === 0
    ? undefined
    : `${python} has no tritonclient[all]; ONNX_PYTHON may name one that has`;
if (missing) console.log(`skipped: tritonclient: ${missing}`);

const texts = ['w1 w2, w3', 'w29 and nothing else', '', 'w4 w5 w6 w7 w8 w9 w10'];

describe.skipIf(missing)(`tritonclient${missing ? `: ${missing}` : ''}`, () => {
  let server: Served;
  // biome-ignore lint/suspicious/noExplicitAny: what the program prints
  let found: any;
  beforeAll(async () => {
    server = await serve({ 'mail.onnx': exportOnnx(mailModel, { states: true }) }, { grpcPort: 0, modelControl: true });
    const script = fileURLToPath(new URL('triton-peer.py', import.meta.url));
    const { stdout } = await promisify(execFile)(python, [script, new URL(server.url).host, server.grpcAddress ?? '']);
    found = JSON.parse(stdout);
  });
  afterAll(() => server?.close());

  function expectNear(given: readonly number[], asked: readonly string[]): void {
    const expected = expectedProbabilities(mailModel, asked).flat();
    expect(given.length).toBe(expected.length);
    for (const [row, p] of expected.entries()) expect(Math.abs((given[row] ?? Number.NaN) - p)).toBeLessThan(tolerance);
  }

  it.each(['http', 'http binary', 'grpc', 'grpc by name'])('over %s gets labels, probabilities and errors', (kind) => {
    expect(found[kind]).toMatchObject({ live: true, ready: true, 'model ready': true });
    expectNear(found[kind].probabilities, texts);
    expectNear(found[kind].ids.INT32, ['w1 w2 w3']);
    expectNear(found[kind].ids.INT64, ['w1 w2 w3']);
    const expected = expectedProbabilities(mailModel, texts).flat();
    expect(found[kind].labels).toEqual(expected.map((p) => (p > 0.5 ? 'spam' : 'ham')));
    expect(found[kind].error).toMatch(/id 99 at row 0, step 2 is out of range/);
  });

  it.each(['http', 'http binary', 'grpc', 'grpc by name'])('over %s sends a text in pieces', (kind) => {
    expectNear(found[kind].pieces, ['w1 w2', 'w1 w2 w9', 'w1 w2 w9 w3 w4']);
  });

  it('reads metadata, packs bodies, and manages models', () => {
    expect(found.metadata).toMatchObject({ name: 'mail', versions: ['1'] });
    expect(found['grpc metadata']).toMatchObject({ name: 'mail', versions: ['1'], platform: 'onnxruntime_onnx' });
    expect(found.server.extensions).toContain('binary_tensor_data');
    expect(found.index).toEqual([{ name: 'mail', version: '1', state: 'READY', reason: '' }]);
    expectNear(found.packed.gzip, ['w1']);
    expectNear(found.packed.deflate, ['w1']);
    expect({ unloaded: found.unloaded, loaded: found.loaded }).toEqual({ unloaded: false, loaded: true });
  });
});
