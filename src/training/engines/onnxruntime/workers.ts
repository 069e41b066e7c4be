/** Worker threads that are asked all at once and answer all at once. One that dies fails what is asked of it. */
import { Worker } from 'node:worker_threads';
import { fail } from '../../../core/errors.ts';
import { stepWorkerSource, type WorkerData, type WorkerReply, type WorkerRequest } from './step-worker.ts';

export interface Workers {
  /**
   * Request k goes to worker k; settles when all have answered.
   * @throws ENGINE_FAILED when a worker reports an error or dies, now and ever after
   */
  ask(requests: readonly WorkerRequest[]): Promise<void>;
  /** @throws ENGINE_FAILED when one of them has failed */
  check(): void;
  dispose(): Promise<void>;
}

interface Thread {
  readonly worker: Worker;
  /** Settles the question that is open, if one is. */
  settle: ((failure: string | undefined) => void) | undefined;
}

/** @throws ENGINE_FAILED when one does not start */
export async function startWorkers(count: number, workerData: WorkerData): Promise<Workers> {
  let failure: string | undefined;
  let disposed = false;

  function start(): Thread {
    // not the flags of this process: with --input-type=module the source would be taken for a module
    const worker = new Worker(stepWorkerSource, { eval: true, workerData, name: 'recurrent-onnx step', execArgv: [] });
    const thread: Thread = { worker, settle: undefined };
    const end = (what: string) => {
      if (!disposed) failure ??= what;
      thread.settle?.(failure);
    };
    worker.on('message', (reply: WorkerReply) => {
      if (reply) end(reply.error);
      else thread.settle?.(undefined);
    });
    worker.on('error', ({ message }: Error) => end(`a worker thread failed: ${message.split('\n')[0]}`));
    worker.on('exit', (code) => end(`a worker thread ended with code ${code}`));
    return thread;
  }

  /** An answer keeps the process alive while it is awaited, an idle worker does not. */
  function answer(thread: Thread): Promise<string | undefined> {
    thread.worker.ref();
    return new Promise((resolve) => {
      thread.settle = (failed) => {
        thread.settle = undefined;
        thread.worker.unref();
        resolve(failed);
      };
    });
  }

  async function settleAll(asked: readonly Thread[], post: (thread: Thread, index: number) => void): Promise<void> {
    const answers = asked.map((thread, index) => {
      const answered = answer(thread);
      post(thread, index);
      return answered;
    });
    const failed = (await Promise.all(answers)).find((each) => each !== undefined);
    if (failed !== undefined) refuse(failed);
  }

  async function dispose(): Promise<void> {
    disposed = true;
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }

  const threads = Array.from({ length: count }, start);
  try {
    await settleAll(threads, () => {});
  } catch (error) {
    await dispose();
    throw error;
  }

  const check = () => {
    if (failure !== undefined) refuse(failure);
  };

  return {
    check,
    async ask(requests) {
      check();
      await settleAll(threads.slice(0, requests.length), ({ worker }, index) => worker.postMessage(requests[index]));
    },
    dispose,
  };
}

function refuse(reason: string): never {
  fail(
    'ENGINE_FAILED',
    `the onnxruntime engine stopped: ${reason}`,
    'Resume from the last checkpoint. With less memory to spare, use fewer threads or smaller batches.',
  );
}
