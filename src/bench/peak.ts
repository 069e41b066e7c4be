/** How many multiply-adds this machine does at most: what the speed of an engine is a fraction of. */

import { createGraphBuilder } from '../../exporters/graph/builder.ts';
import { defaultOpset } from '../../exporters/graph/opsets.ts';
import { encodeOnnx } from '../../exporters/onnx/encode.ts';
import { producer } from '../../models/metadata/producer.ts';
import { openSession } from '../../runtime/onnx/session.ts';
import { multiplyAddModule, operationsPerRound } from './multiply-add.ts';

/** GFLOP/s of one core, a multiply-add being two operations. */
export interface Peak {
  /** A loop of WebAssembly that multiplies and adds vectors in registers. */
  readonly wasm: number;
  /** A large product of matrices by onnxruntime. */
  readonly native: number;
}

/** What is used of the WebAssembly interface: its types come with those of browsers only. */
declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean;
  instantiate(bytes: Uint8Array): Promise<{ readonly instance: { readonly exports: unknown } }>;
};

const repetitions = 60;

/** The best of a few repetitions: others on the machine only ever take away. */
export async function measurePeak(): Promise<Peak> {
  return { wasm: await wasmPeak(), native: await nativePeak() };
}

async function wasmPeak(): Promise<number> {
  const rounds = 4_000_000;
  const relaxed = multiplyAddModule('relaxed');
  const bytes = WebAssembly.validate(relaxed) ? relaxed : multiplyAddModule('plain');
  const { instance } = await WebAssembly.instantiate(bytes);
  const { run } = instance.exports as { readonly run: (rounds: number) => number };
  return best(operationsPerRound * rounds, async () => run(rounds));
}

async function nativePeak(): Promise<number> {
  const size = 768;
  const graph = createGraphBuilder(defaultOpset);
  const [a, b] = [graph.input('a', 'float32', [size, size]), graph.input('b', 'float32', [size, size])];
  graph.output('product', graph.matmul(a, b), 'float32', [size, size]);
  const model = encodeOnnx({ ...graph.build('product'), opset: defaultOpset, producer, metadata: [] });
  const session = await openSession(model, { providers: 'cpu', threads: 1 });
  const matrix = { dataType: 'float32', dims: [size, size], data: new Float32Array(size * size).fill(0.5) } as const;
  try {
    return await best(2 * size ** 3, () => session.run({ a: matrix, b: matrix }));
  } finally {
    await session.release();
  }
}

async function best(operations: number, work: () => Promise<unknown>): Promise<number> {
  let shortest = Number.POSITIVE_INFINITY;
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const began = performance.now();
    await work();
    shortest = Math.min(shortest, performance.now() - began);
  }
  return Number((operations / shortest / 1e6).toFixed(1));
}
