/** A real server on a free port, with models made on the spot. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Logger, pino } from 'pino';
import { afterEach, expect } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import type { TrainedModel } from '../../models/model.ts';
import { planModel } from '../../models/plan.ts';
import { createEncoder } from '../../models/text/encoder.ts';
import type { ServeOptions } from '../../runtime/serving/options.ts';
import { type RunningServer, startServer } from '../../runtime/serving/server.ts';
import { catalogue, type ErrorCode } from '../../src/core/errors.ts';
import { referenceForward } from '../../src/reference/reference.ts';
import { randomWeights } from './arbitrary-spec.ts';
import { modelOf } from './trained-model.ts';

const embedding = { type: 'embedding', inputDim: 30, outputDim: 4, maskZero: true } as const;

/** Two classes by one output; masks, so rows of several lengths run together. */
export const mailModel: TrainedModel = {
  ...modelOf([embedding, { type: 'lstm', units: 5 }, { type: 'dense', units: 1, activation: 'sigmoid' }]),
  labels: ['ham', 'spam'],
};

/** Three classes; does not mask. */
export const topicModel: TrainedModel = {
  ...modelOf([
    { ...embedding, maskZero: false },
    { type: 'gru', units: 5 },
    { type: 'dense', units: 3, activation: 'softmax' },
  ]),
  labels: ['sport', 'news', 'über'],
};

/** The same with other weights: its answers tell which of the two gave them. */
export function withSeed(model: TrainedModel, seed: number): TrainedModel {
  return { ...model, weights: randomWeights(model.spec, seed) };
}

/** Float32 against float64, as in test/exporters/values.test.ts. */
export const tolerance = 5e-6;

/** Probabilities of texts by the float64 reference, [texts][outputs]. */
export function expectedProbabilities(model: TrainedModel, texts: readonly string[]): number[][] {
  const { vocabularySize, head } = planModel(model.spec);
  const { ids, rows, time } = createEncoder({ ...model, vocabularySize }).encodeAll(texts);
  const { probabilities } = referenceForward(model, ids, rows, time);
  return texts.map((_, row) => [...probabilities.subarray(row * head.outputs, (row + 1) * head.outputs)]);
}

/** What `recurrent parity --json` says of a model's file, as far as a server shows it. */
export function parityOf(model: TrainedModel): string {
  const onnxSha256 = createHash('sha256').update(exportOnnx(model)).digest('hex');
  return JSON.stringify({ passed: true, onnxSha256, examples: 1234, flips: 0, maxAbsError: 1e-7, maxLogitError: 2e-7 });
}

/** A model, or the bytes of one that was exported in a way of its own. */
type Exportable = TrainedModel | Uint8Array;

/** Writes models into a new folder, by their paths there. */
export async function modelFolder(models: Readonly<Record<string, Exportable>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'recurrent-serving-'));
  for (const [path, model] of Object.entries(models)) await writeModel(join(folder, path), model);
  return folder;
}

export async function writeModel(path: string, model: Exportable): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, model instanceof Uint8Array ? model : exportOnnx(model));
}

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly reqId?: string;
  readonly [field: string]: unknown;
}

export interface Served extends RunningServer {
  readonly folder: string;
  readonly log: readonly LogLine[];
  /** A request with a JSON body, unless the body is bytes or text. */
  ask(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  /** The body, if it is JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it as they please
  readonly json: any;
}

export async function serve(models: Readonly<Record<string, Exportable>>, options: ServeOptions = {}): Promise<Served> {
  const folder = await modelFolder(models);
  const log: LogLine[] = [];
  const logger: Logger = pino({ level: 'debug', base: null }, { write: (line: string) => log.push(JSON.parse(line)) });
  const server = await startServer(folder, { port: 0, reloadSeconds: 0, isolation: 'none', ...options }, { logger });
  return {
    ...server,
    folder,
    log,
    ask: (method, path, body, headers) => ask(`${server.url}${path}`, method, body, headers),
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** `start` serves models, and what it or `keep` gives is closed after the test. */
export function useServers() {
  const open: { close(): Promise<void> }[] = [];
  afterEach(() => Promise.all(open.splice(0).map((server) => server.close())));
  function keep<Server extends { close(): Promise<void> }>(server: Server): Server {
    open.push(server);
    return server;
  }
  return { keep, start: async (...args: Parameters<typeof serve>) => keep(await serve(...args)) };
}

/** The form of every error: what was wrong and what to do, its code, its id, and when to ask again. */
export function expectError({ status, headers, json }: Answer, code: ErrorCode, says: RegExp): void {
  const { http } = catalogue[code];
  const error = expect.stringMatching(says);
  expect({ status, json }).toEqual({ status: http, json: { error, code, id: headers.get('x-request-id') } });
  expect(json.error).not.toMatch(/\n| {4}at /);
  expect(headers.get('retry-after')).toBe([429, 503].includes(http) ? '1' : null);
}

/** What `traffic` asks for. */
export const askedTexts = ['w1 w2 w3', 'w4', 'w5 w6 w7 w8 w9 w10', ''];

export const classify = (server: Served) => server.ask('POST', '/v1/classify', { texts: askedTexts });

/** Which of the models gave the answer; it must be one of them, and all of it. */
export function giverOf({ json }: Answer, models: readonly TrainedModel[]): number {
  const given: number[] = json.predictions.map(({ scores }: { scores: { spam: number } }) => scores.spam);
  const giver = models.findIndex((model) =>
    expectedOf(model).every(([p = Number.NaN], row) => Math.abs(p - (given[row] ?? Number.NaN)) < tolerance),
  );
  expect(giver).toBeGreaterThanOrEqual(0);
  return giver;
}

const expectedAnswers = new WeakMap<TrainedModel, number[][]>();
function expectedOf(model: TrainedModel): number[][] {
  const known = expectedAnswers.get(model) ?? expectedProbabilities(model, askedTexts);
  expectedAnswers.set(model, known);
  return known;
}

const refusals: Partial<Record<ErrorCode, number>> = { RUNTIME_LOST: 503, DEADLINE_EXCEEDED: 504, QUEUE_FULL: 429 };

/** Right, or refused for what the processes of the model have met. */
export function expectRightOrRefused(answer: Answer, models: readonly TrainedModel[]): void {
  const { status, headers, json } = answer;
  if (status === 200) giverOf(answer, models);
  else {
    expect(refusals[json.code as ErrorCode], json.error).toBe(status);
    expect(headers.get('retry-after')).toBe(status === 504 ? null : '1');
  }
}

export interface Traffic {
  /** In the order in which they came. */
  readonly answers: readonly Answer[];
  /** When each of them came, in milliseconds of `performance.now()`. */
  readonly times: readonly number[];
  /** Rejects when a connection is lost. */
  readonly lost: Promise<unknown>;
  /** Resolves when so many more answers have come. */
  more(answers: number): Promise<void>;
  stop(): Promise<void>;
}

/** Clients that classify again and again. */
export function traffic(server: Served, clients: number): Traffic {
  const answers: Answer[] = [];
  const times: number[] = [];
  let going = true;
  const work = Promise.all(
    Array.from({ length: clients }, async () => {
      while (going) {
        answers.push(await classify(server));
        times.push(performance.now());
      }
    }),
  );
  return {
    answers,
    times,
    lost: work,
    async more(wanted) {
      const enough = answers.length + wanted;
      await expect.poll(() => answers.length).toBeGreaterThanOrEqual(enough);
    },
    async stop() {
      going = false;
      await work;
    },
  };
}

async function ask(
  url: string,
  method: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const plain = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(url, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: (plain ? body : JSON.stringify(body)) as string }),
    signal: AbortSignal.timeout(60_000),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const isJson = response.headers.get('content-type')?.startsWith('application/json') && bytes.length > 0;
  return {
    status: response.status,
    headers: response.headers,
    bytes,
    json: isJson ? JSON.parse(`${bytes}`) : undefined,
  };
}

/** Ids of the processes in which servers of this one run their models, those too that have just been started. */
export function processesOfModels(): number[] {
  const { stdout } = spawnSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent] = /^ *(\d+) +(\d+) .*(?:recurrent-onnx session|childProgram)/.exec(line) ?? [];
    return Number(parent) === process.pid ? [Number(pid)] : [];
  });
}

/** A server whose model takes one row at a time, so that `holdModels` shows all others as waiting. */
export const oneAtATime = {
  isolation: 'process',
  workers: 1,
  threads: 1,
  maxBatch: 1,
  timeoutSeconds: 120,
} as const satisfies ServeOptions;

/** Stops the processes of the models: what is asked of them is not answered until they are let go on. */
export function holdModels(): () => void {
  const processes = processesOfModels();
  expect(processes).not.toEqual([]);
  for (const pid of processes) process.kill(pid, 'SIGSTOP');
  return () => {
    for (const pid of processes) process.kill(pid, 'SIGCONT');
  };
}

/** What `/metrics` says of the server's only model. */
export async function metric(server: Served, name: string): Promise<number> {
  const { bytes } = await server.ask('GET', '/metrics');
  return Number(new RegExp(`^${name}\\{.*\\} (\\S+)$`, 'm').exec(`${bytes}`)?.[1]);
}

/** Rows that the model of a server has not begun with. */
export const waitingRows = (server: Served) => metric(server, 'nv_inference_pending_request_count');
