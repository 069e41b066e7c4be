/**
 * What a child process does: it opens a session and runs it as it is told. The package is bundled, by its users too, so
 * the child is started from the source text of the function below: it may use nothing but its parameters and what is
 * global, and is the same in every bundle.
 */
import type { OrtModule } from '../onnx/ort.ts';

type SessionOptions = NonNullable<Parameters<OrtModule['InferenceSession']['create']>[1]>;
type Session = Awaited<ReturnType<OrtModule['InferenceSession']['create']>>;

/** A tensor as it travels: messages are cloned, not the classes of onnxruntime. */
export interface PlainTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: Float32Array | Int32Array | BigInt64Array | Uint8Array;
}

type PlainTensors = Readonly<Record<string, PlainTensor>>;

export type ChildRequest =
  | { readonly kind: 'open'; readonly model: Uint8Array; readonly options: SessionOptions }
  | { readonly kind: 'run'; readonly feeds: PlainTensors };

export interface Loaded {
  readonly backends: ReturnType<OrtModule['listSupportedBackends']>;
}

export type Opened = Pick<Session, 'inputNames' | 'outputNames' | 'inputMetadata' | 'outputMetadata'>;

/** Each request has one reply; the first reply, to none, says that onnxruntime is loaded. */
export type ChildReply =
  | { readonly kind: 'done'; readonly value: Loaded | Opened | PlainTensors }
  | { readonly kind: 'failed'; readonly message: string };

/** The program of a child, to be started by `node -e` with the path of onnxruntime. */
export const childSource = `(${childProgram})(process, require);`;

function childProgram(child: NodeJS.Process, load: (path: string) => unknown): void {
  let session: Session | undefined;
  const reply = (message: ChildReply) => child.send?.(message);

  async function answer(work: () => Promise<unknown>): Promise<void> {
    try {
      reply({ kind: 'done', value: (await work()) as Loaded });
    } catch (error) {
      reply({ kind: 'failed', message: (error as Error).message });
    }
  }

  // The parent decides when a child ends: Ctrl-C reaches the whole group, and a parent that drains still needs it.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) child.on(signal, () => {});
  child.on('disconnect', () => child.exit(0));
  child.title = 'recurrent-onnx session';

  void answer(async () => {
    const ort = load(child.argv[1] ?? '') as OrtModule;

    async function open(model: Uint8Array, options: SessionOptions): Promise<Opened> {
      await session?.release();
      session = await ort.InferenceSession.create(model, options);
      const { inputNames, outputNames, inputMetadata, outputMetadata } = session;
      return { inputNames, outputNames, inputMetadata, outputMetadata };
    }

    async function run(feeds: PlainTensors): Promise<PlainTensors> {
      const tensors: Record<string, InstanceType<OrtModule['Tensor']>> = {};
      for (const [name, { type, data, dims }] of Object.entries(feeds)) {
        tensors[name] = new ort.Tensor(type as 'int32', data as Int32Array, dims);
      }
      const outputs: Record<string, PlainTensor> = {};
      for (const [name, { type, data, dims }] of Object.entries((await session?.run(tensors)) ?? {})) {
        outputs[name] = { type, data: data as Float32Array, dims };
      }
      return outputs;
    }

    child.on('message', (request: ChildRequest) => {
      void answer(() => (request.kind === 'open' ? open(request.model, request.options) : run(request.feeds)));
    });
    return { backends: ort.listSupportedBackends() };
  });
}
