/**
 * A peer in Python: a child process that is told a problem once, computes its gradient, and then times steps on
 * demand, so that its turns stand among those of the others. tools/peers/bench_peer.py is the other side.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail } from '../../../core/errors.ts';
import type { Batch } from '../../../training/engine.ts';
import type { Contender, ContenderName, OpenContender } from '../contender.ts';
import type { Problem } from '../problem.ts';

/** Names the interpreter that has the packages. */
export const interpreterVariable = 'RECURRENT_PYTHON';

/** File and further arguments. */
const programs = {
  pytorch: ['bench_pytorch.py'],
  keras: ['bench_keras.py'],
  'keras-xla': ['bench_keras.py', 'xla'],
} as const satisfies Partial<Record<ContenderName, readonly [file: string, ...args: string[]]>>;
export type PeerName = keyof typeof programs;

/** @returns why it is not there, as text */
export async function startPeer(name: PeerName, threads: number): Promise<Contender | string> {
  const [file, ...args] = programs[name];
  const program = findProgram(file);
  if (program === undefined) return `${file} is not beside this program: run it in a clone of the repository`;
  const interpreter = process.env[interpreterVariable] || 'python3';
  const line = openLine(spawn(interpreter, [program, String(threads), ...args], { env: environment(threads) }));
  const remedy = `Run pip install -r ${join(dirname(program), 'requirements-bench.txt')}, and set ${interpreterVariable} to that interpreter`;
  const hello: Answer = await line.ask(undefined).catch((error: Error) => ({ refusal: error.message }));
  if (typeof hello.refusal === 'string') {
    await line.close();
    return `${interpreter}: ${hello.refusal}. ${remedy}`;
  }
  return {
    name,
    threads,
    version: String(hello.version),
    ownMasks: true,
    flopsPerSecond: Number.POSITIVE_INFINITY,
    open: (problem) => openProblem(line, problem),
    close: () => line.close(),
  };
}

async function openProblem(line: Line, problem: Problem): Promise<OpenContender | string> {
  const { spec, weights, batches } = problem;
  const [{ rows, time }] = batches as [Batch];
  const shapes = [...weights].map(([name, { shape }]) => ({ name, shape }));
  const names = [...weights.keys()];
  const arrays = [
    ...[...weights.values()].map(({ data }) => data),
    ...batches.map(({ ids }) => ids),
    ...batches.map(({ targets }) => targets),
  ];
  const answer = await line.ask({ do: 'open', spec, weights: shapes, batches: batches.length, rows, time }, arrays);
  if (typeof answer.refusal === 'string') return answer.refusal;
  return {
    async gradients(checked) {
      const { loss } = await line.ask({ do: 'gradients', rows: checked, names });
      const gradients = new Map<string, Float32Array>();
      for (const [name, { data }] of weights) gradients.set(name, await line.floats(data.length));
      return { loss: Number(loss), gradients };
    },
    async losses(steps, learningRate) {
      return (await line.ask({ do: 'losses', steps, learningRate })).losses as number[];
    },
    async time(milliseconds, learningRate) {
      return (await line.ask({ do: 'time', milliseconds, learningRate })).milliseconds as number[];
    },
    close: async () => {},
  };
}

type Answer = Readonly<Record<string, unknown>>;

interface Line {
  /** Sends a request, if there is one, and waits for the line that answers it. */
  ask(request: object | undefined, arrays?: readonly (Float32Array | Int32Array)[]): Promise<Answer>;
  /** The next `count` numbers of the answer. */
  floats(count: number): Promise<Float32Array>;
  close(): Promise<void>;
}

function openLine(child: ChildProcessWithoutNullStreams): Line {
  const errors: string[] = [];
  let ended: Error | undefined;
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  child.on('error', (error) => {
    ended = error;
  });
  child.stdin.on('error', () => {}); // it has ended: the answer that does not come tells so
  const closed = new Promise<void>((resolve) => {
    child.on('close', () => {
      ended ??= new Error(errors.join('').trim().split('\n').at(-1) || 'it ended without a word');
      resolve();
    });
  });

  /** Waits until `read` has something; null from the stream means not yet, or never. */
  async function next<T>(read: () => T | null): Promise<T> {
    for (;;) {
      const value = read();
      if (value !== null) return value;
      if (ended) throw ended;
      await Promise.race([new Promise((resolve) => child.stdout.once('readable', resolve)), closed]);
    }
  }

  let pending = Buffer.alloc(0);
  const take = (length: number) => {
    const taken = pending.subarray(0, length);
    pending = pending.subarray(length);
    return taken;
  };
  const grow = () => {
    const chunk: Buffer | null = child.stdout.read();
    if (chunk) pending = Buffer.concat([pending, chunk]);
    return chunk;
  };

  return {
    async ask(request, arrays = []) {
      if (request) {
        child.stdin.write(`${JSON.stringify(request)}\n`);
        for (const { buffer, byteOffset, byteLength } of arrays) {
          child.stdin.write(new Uint8Array(buffer, byteOffset, byteLength));
        }
      }
      while (!pending.includes(0x0a)) await next(grow);
      return JSON.parse(take(pending.indexOf(0x0a) + 1).toString()) as Answer;
    },
    async floats(count) {
      const parts: Buffer[] = [];
      for (let missing = 4 * count; missing > 0; ) {
        if (pending.length === 0) await next(grow);
        const part = take(missing);
        parts.push(part);
        missing -= part.length;
      }
      const bytes = Uint8Array.from(Buffer.concat(parts));
      return new Float32Array(bytes.buffer);
    },
    async close() {
      child.stdin.end();
      await closed;
    },
  };
}

/** In a clone, and in the installed package: tools/peers/ of the folder that holds package.json. */
function findProgram(file: string): string | undefined {
  for (let folder = dirname(fileURLToPath(import.meta.url)); folder !== dirname(folder); folder = dirname(folder)) {
    if (!existsSync(join(folder, 'package.json'))) continue;
    const program = join(folder, 'tools', 'peers', file);
    return existsSync(program) ? program : undefined;
  }
  return fail('INTERNAL', 'the program lies in no package', 'Please report this.');
}

/** NumPy's and OpenMP's own pools would otherwise have a thread a core. */
function environment(threads: number): NodeJS.ProcessEnv {
  return { ...process.env, OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads) };
}
