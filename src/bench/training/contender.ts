/** The port behind which everything that is timed stands: the product's engines, TensorFlow.js, PyTorch, Keras. */
import type { Problem } from './problem.ts';

export const contenderNames = [
  'wasm',
  'onnxruntime',
  'tensorflow',
  'js',
  'tfjs-cpu',
  'tfjs-node',
  'pytorch',
  'keras',
  'keras-xla',
] as const;
export type ContenderName = (typeof contenderNames)[number];

export interface Gradients {
  /** Mean over the rows. */
  readonly loss: number;
  /** By name of weight, row-major in its shape. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

export interface Contender {
  readonly name: ContenderName;
  readonly threads: number;
  /** Library and version. */
  readonly version: string;
  /** Draws dropout masks that nobody else can draw: compared on the model without dropout, timed with it. */
  readonly ownMasks: boolean;
  /** Of what `usefulFlops` counts, roughly: tells which problems would take it long. */
  readonly flopsPerSecond: number;
  /** @returns why it cannot train this, as text, else the model at its starting weights with Adam */
  open(problem: Problem): Promise<OpenContender | string>;
  /** Ends what the contender has running. */
  close(): Promise<void>;
}

/** One model at a time: a contender is closed on one problem before it is opened on the next. */
export interface OpenContender {
  /** At the starting weights, on the first `rows` rows of the first batch. */
  gradients(rows: number): Promise<Gradients>;
  /** The loss of each of the first steps of Adam, before its update. Called once, before `time`. */
  losses(steps: number, learningRate: number): Promise<readonly number[]>;
  /**
   * Steps until `milliseconds` are over, at least one. The first step finds the caches full of another contender's
   * data: it counts only where it takes half of the time.
   *
   * @returns milliseconds of each step
   */
  time(milliseconds: number, learningRate: number): Promise<readonly number[]>;
  close(): Promise<void>;
}

/** A contender that is not in the run, or not in a part of it. */
export interface Absence {
  readonly contender: ContenderName;
  readonly threads: number | undefined;
  readonly reason: string;
}
