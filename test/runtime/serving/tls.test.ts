/** TLS and keys, over REST and gRPC, with a certificate that is made here. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { connect as connectPlainly } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type SecureVersion } from 'node:tls';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer } from '../../../runtime/serving/server.ts';
import { mailModel, type Served, serve } from '../../support/serving.ts';

/** A certificate of localhost and 127.0.0.1, signed by itself, and its key; or why there is none. */
function makeCertificate(): { cert: string; key: string } | string {
  const folder = mkdtempSync(join(tmpdir(), 'recurrent-tls-'));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  try {
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    execFileSync('openssl', ['req', '-x509', ...kind, '-days', '2', ...subject, '-keyout', key, '-out', cert], {
      stdio: 'pipe',
    });
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  } catch (error) {
    return `openssl makes no certificate: ${(error as Error).message.split('\n')[0]}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const made = makeCertificate();
const tls = typeof made === 'string' ? undefined : made;
if (typeof made === 'string') console.log(`skipped: TLS: ${made}`);
const apiKey = 'a-key-of-this-test-only';

describe.skipIf(!tls)('a server with TLS and an API key', () => {
  const { cert, key } = tls ?? { cert: '', key: '' };
  let server: Served;
  beforeAll(async () => {
    server = await serve({ 'mail.onnx': mailModel }, { grpcPort: 0, tls: { cert, key }, apiKey });
  });
  afterAll(() => server?.close());

  /** A client that trusts this certificate and no other. */
  async function ask(path: string, headers: Record<string, string> = {}, body?: object) {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const method = body ? 'POST' : 'GET';
      const sent = request(`${server.url}${path}`, { ca: cert, method, headers: { connection: 'close', ...headers } });
      sent.on('response', resolve).on('error', reject);
      sent.end(body && JSON.stringify(body));
    });
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk);
    return { status: answer.statusCode, headers: answer.headers, json: JSON.parse(`${Buffer.concat(chunks)}`) };
  }

  function live(channel: ReturnType<typeof credentials.createSsl>, method: string, headers: Record<string, string>) {
    const client = new Client(server.grpcAddress ?? '', channel);
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    const path = `/inference.GRPCInferenceService/${method}`;
    return new Promise<Buffer>((resolve, reject) => {
      const same = (bytes: Buffer) => bytes;
      client.makeUnaryRequest(path, same, same, Buffer.alloc(0), metadata, { deadline: Date.now() + 60_000 }, (e, a) =>
        e ? reject(e) : resolve(a as Buffer),
      );
    }).finally(() => client.close());
  }

  it('serves https only, with the key only', async () => {
    expect(server.url).toMatch(/^https:\/\/127\.0\.0\.1:/);
    expect(await ask('/v2/health/ready')).toMatchObject({ status: 200, json: { ready: true } });
    const body = { text: 'w1 w2' };
    const json = { 'content-type': 'application/json' };
    for (const headers of [
      json,
      { ...json, 'x-api-key': 'another-key-altogether' },
      { ...json, authorization: apiKey },
    ]) {
      const { status, headers: told, json: error } = await ask('/v1/classify', headers, body);
      expect({ status, code: error.code, asks: told['www-authenticate'] }).toEqual({
        status: 401,
        code: 'UNAUTHENTICATED',
        asks: 'Bearer',
      });
      expect(JSON.stringify(error)).not.toContain(apiKey);
    }
    for (const own of [
      { 'x-api-key': apiKey },
      { authorization: `Bearer ${apiKey}` },
      { authorization: `bearer  ${apiKey}` },
    ]) {
      expect((await ask('/v1/classify', { ...json, ...own }, body)).status).toBe(200);
    }
    const plain = fetch(server.url.replace('https', 'http')).then(
      ({ status }) => status,
      () => 'refused',
    );
    expect(await plain).toBe('refused');
  });

  it('is not trusted without its certificate, nor spoken to in an old version', async () => {
    await expect(fetch(`${server.url}/v2/health/live`)).rejects.toMatchObject({
      cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    });
    const { hostname, port } = new URL(server.url);
    const handshake = (maxVersion: SecureVersion) =>
      new Promise((resolve) => {
        const options = { ca: cert, minVersion: 'TLSv1' as const, maxVersion, ciphers: 'DEFAULT@SECLEVEL=0' };
        const socket = connect(Number(port), hostname, options, () => {
          resolve(socket.getProtocol());
          socket.destroy();
        });
        socket.on('error', () => resolve('refused'));
      });
    expect(await handshake('TLSv1.1')).toBe('refused');
    expect(await handshake('TLSv1.2')).toBe('TLSv1.2');
    expect(await handshake('TLSv1.3')).toBe('TLSv1.3');
  });

  it('does the same over gRPC', async () => {
    const secure = credentials.createSsl(Buffer.from(cert));
    await live(secure, 'ServerLive', {});
    await live(secure, 'ServerMetadata', { authorization: `Bearer ${apiKey}` });
    await live(secure, 'ServerMetadata', { 'x-api-key': apiKey });
    await expect(live(secure, 'ServerMetadata', {})).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    await expect(live(credentials.createInsecure(), 'ServerLive', {})).rejects.toMatchObject({
      code: status.UNAVAILABLE,
    });
    await expect(live(credentials.createSsl(), 'ServerLive', {})).rejects.toMatchObject({ code: status.UNAVAILABLE });
  });

  it('ends in time, though a client is in the middle of its handshake', async () => {
    const other = await serve({ 'mail.onnx': mailModel }, { tls: { cert, key } });
    const { hostname, port } = new URL(other.url);
    const silent = connectPlainly(Number(port), hostname).on('error', () => {});
    await once(silent, 'connect');
    const began = performance.now();
    await other.close();
    expect(performance.now() - began).toBeLessThan(20_000); // a request may take 30 s, a handshake 120
    if (!silent.closed) await once(silent, 'close');
  });

  it.each([
    ['no certificate', { cert: 'no PEM', key }],
    ['no key', { cert, key: 'no PEM' }],
    ['a certificate for a key', { cert, key: cert }],
  ])('is refused with %s', async (_, pair) => {
    await expect(startServer(server.folder, { port: 0, tls: pair })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringMatching(/^TLS: /),
    });
  });
});
