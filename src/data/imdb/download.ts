/**
 * One large file over HTTP. What has come is kept beside its place as `….part`, so that the next call goes on from there,
 * after an error, a Ctrl-C or a crash alike.
 */
import { mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { fail, RecurrentError } from '../../core/errors.ts';
import { fileError } from '../../core/files.ts';
import { formatBytes } from '../../core/format-bytes.ts';
import type { Progress } from '../../core/progress.ts';

export interface Download {
  readonly url: string;
  readonly path: string;
  /** Length of the whole file: a server that has another one is refused before anything is kept. */
  readonly bytes: number;
  /** What to do where there is no network. */
  readonly otherwise: string;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

/** Does nothing where the whole file is there already. @throws DOWNLOAD_FAILED, FILE_ACCESS, INTERRUPTED */
export async function download(options: Download): Promise<void> {
  const { url, path, bytes, progress } = options;
  if ((await sizeOf(path)) === bytes) return;
  const part = `${path}.part`;
  try {
    await mkdir(dirname(path), { recursive: true });
    progress.start(`fetching ${url}`, bytes);
    const kept = await sizeOf(part);
    if (kept !== bytes) await fetchRest(options, part, kept < bytes ? kept : 0);
    const size = await sizeOf(part);
    if (size !== bytes) refuse(options, `the connection ended after ${size} of ${bytes} bytes`);
    await rename(part, path);
    progress.stop();
  } catch (error) {
    throw fileError(error, path, 'write');
  }
}

/** Appends to `part` what is missing from `from` on, or writes all of it anew where the server cannot go on. */
async function fetchRest(options: Download, part: string, from: number): Promise<void> {
  const { bytes, progress } = options;
  const response = await request(options, from);
  const began = response.status === 206 ? from : 0;
  const offered = Number(response.headers.get('content-length') ?? Number.NaN) + began;
  if (offered !== bytes) {
    await response.body?.cancel();
    refuse(
      options,
      `the server offers ${Number.isNaN(offered) ? 'a file of unknown size' : `${offered} bytes`}, not ${bytes}`,
    );
  }
  let done = began;
  const file = await open(part, began === 0 ? 'w' : 'a');
  try {
    for await (const chunk of Readable.fromWeb(response.body as ReadableStream) as AsyncIterable<Buffer>) {
      await file.appendFile(chunk).catch((error) => {
        throw fileError(error, part, 'write');
      });
      done += chunk.length;
      progress.update(done, `${formatBytes(done)} of ${formatBytes(bytes)}`);
    }
    await file.sync();
  } catch (error) {
    throw readable(error, options, done);
  } finally {
    await file.close();
  }
}

async function request(options: Download, from: number): Promise<Response> {
  const { url, signal } = options;
  const headers = from > 0 ? { range: `bytes=${from}-` } : undefined;
  const response = await fetch(url, { ...(headers && { headers }), ...(signal && { signal }) }).catch((error) => {
    throw readable(error, options, from);
  });
  const goesOn = response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${from}-`);
  if (response.status === 200 || goesOn) return response;
  await response.body?.cancel();
  // A server that refuses the rest may still give the whole.
  if (from > 0) return request(options, 0);
  return refuse(options, `the server answered ${response.status} ${response.statusText}`.trim());
}

/** What ended the transfer, as an error of the catalogue. */
function readable(error: unknown, options: Download, done: number): RecurrentError {
  if (error instanceof RecurrentError) return error;
  const kept = `${formatBytes(done)} of ${formatBytes(options.bytes)} are kept: run it again to go on.`;
  if (options.signal?.aborted) return new RecurrentError('INTERRUPTED', 'fetching was stopped', kept, { cause: error });
  const { message, cause } = error as Error;
  const why =
    cause instanceof Error ? `${message}: ${cause.message || (cause as NodeJS.ErrnoException).code}` : message;
  return new RecurrentError(
    'DOWNLOAD_FAILED',
    `${options.url} could not be fetched: ${why}`,
    `${done > 0 ? `${kept} ` : ''}${options.otherwise}`,
    { cause: error },
  );
}

function refuse({ url, otherwise }: Download, what: string): never {
  fail('DOWNLOAD_FAILED', `${url} could not be fetched: ${what}`, otherwise);
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
