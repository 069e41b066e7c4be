/** onnxruntime in a process of its own, with the surface of the module that `openSession` uses. */
import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { constants, getPriority, setPriority } from 'node:os';
import { fail, RecurrentError } from '../../src/core/errors.ts';
import { locateOrt, type OrtModule, packageMissing } from '../onnx/ort.ts';
import { type ChildReply, type ChildRequest, childSource, type Loaded, type Opened } from './child-program.ts';

export interface Child {
  readonly pid: number;
  /** Whether it can be asked. One that ends cannot, a little before `ended` tells so. */
  readonly connected: boolean;
  /** Its requests fail with RUNTIME_LOST once the process is gone, or does not answer in time. */
  readonly ort: OrtModule;
  /** Resolves with the reason when the process has ended. */
  readonly ended: Promise<string>;
  kill(): void;
  /** Whether it keeps this process alive. */
  hold(on: boolean): void;
}

interface Question {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A machine under load takes its time to load onnxruntime and a model. */
const startMs = 60_000;

/**
 * @param timeoutMs how long a run may take; a child that takes longer is killed
 * @throws PACKAGE_MISSING, RUNTIME_LOST
 */
export async function startChild(timeoutMs: number): Promise<Child> {
  const ort = locateOrt(); // first: it settles the environment
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(process.execPath, ['-e', childSource, ort], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced', // typed arrays as they are
    env: { ...env, ELECTRON_RUN_AS_NODE: '1' },
    windowsHide: true,
  });
  yieldTo(child.pid);
  const questions: Question[] = [];
  let reason: string | undefined;
  let lastWords = '';

  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-500);
  });
  child.on('message', (message: ChildReply) => {
    const question = questions.shift();
    if (message.kind === 'done') question?.resolve(message.value);
    else question?.reject({ message: message.message }); // what it means, who asked knows
  });
  const ended = new Promise<string>((resolve) => {
    const end = (what: string) => {
      reason ??= what;
      for (const question of questions.splice(0)) question.reject(lost(reason, lastWords));
      resolve(reason);
    };
    child.on('error', ({ message }) => end(`cannot be started: ${message}`));
    child.on('close', (code, signal) => end(signal ? `was ended by ${signal}` : `ended with code ${code}`));
  });

  function kill(why?: string): void {
    reason ??= why;
    child.kill('SIGKILL');
  }

  function ask(request: ChildRequest | undefined): Promise<unknown> {
    const limit = request?.kind === 'run' ? timeoutMs : Math.max(timeoutMs, startMs);
    return new Promise((resolve, reject) => {
      if (reason !== undefined || (request && !child.connected)) {
        reject(lost(reason ?? 'has ended', lastWords));
        return;
      }
      let last: NodeJS.Immediate | undefined;
      // An answer that came while this process was busy with other things is read before the child counts as hung.
      const timer = setTimeout(() => {
        last = setImmediate(() => kill(`did not answer for ${limit / 1000} s`));
      }, limit);
      const settle = (): void => {
        clearTimeout(timer);
        clearImmediate(last);
      };
      questions.push({
        resolve(value) {
          settle();
          resolve(value);
        },
        reject(error) {
          settle();
          reject(error);
        },
      });
      if (request) child.send(request, () => {}); // if it fails the process is gone, which `close` tells
    });
  }

  let loaded: Loaded;
  try {
    loaded = (await ask(undefined)) as Loaded;
  } catch (error) {
    kill();
    throw error instanceof RecurrentError ? error : packageMissing(error);
  }

  return {
    pid: child.pid as number,
    get connected() {
      return child.connected;
    },
    ort: remoteOrt(loaded, ask),
    ended,
    kill,
    hold(on) {
      const set = on ? 'ref' : 'unref';
      child[set]();
      child.channel?.[set]();
      (child.stderr as Socket | null)?.[set]();
    },
  };
}

/** Where the two want one core, this process goes first: it has other work to do, and gives the child its next. */
function yieldTo(pid: number | undefined): void {
  try {
    if (pid === undefined) return;
    const { PRIORITY_BELOW_NORMAL, PRIORITY_LOW } = constants.priority;
    setPriority(pid, Math.min(getPriority() + PRIORITY_BELOW_NORMAL, PRIORITY_LOW));
  } catch {
    // Not every system has priorities, or lets its programs change them.
  }
}

/** The part of the module that `openSession` uses. */
function remoteOrt({ backends }: Loaded, ask: (request: ChildRequest) => Promise<unknown>): OrtModule {
  return {
    listSupportedBackends: () => backends,
    Tensor: class {
      constructor(
        readonly type: string,
        readonly data: unknown,
        readonly dims: readonly number[],
      ) {}
    },
    InferenceSession: {
      async create(model: Uint8Array, options: Extract<ChildRequest, { kind: 'open' }>['options']) {
        const opened = (await ask({ kind: 'open', model, options })) as Opened;
        return {
          ...opened,
          run: (feeds: Extract<ChildRequest, { kind: 'run' }>['feeds']) => ask({ kind: 'run', feeds }),
          release: async () => {}, // with the process
          endProfiling: () =>
            fail('OPTION_UNSUPPORTED', 'a session of a child process is not profiled', 'Leave isolation out.'),
        };
      },
    },
  } as unknown as OrtModule;
}

function lost(reason: string, lastWords: string): RecurrentError {
  const said = lastWords.trim().split('\n').at(-1);
  return new RecurrentError(
    'RUNTIME_LOST',
    `the process that ran the model ${reason}${said ? ` (${said})` : ''}`,
    'Send it again: the process is started anew. If it happens again, see whether the machine runs out of memory.',
  );
}
