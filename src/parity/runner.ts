/** The port behind which everything stands that can compute a trained model. `test/contract/runner.ts` is its suite. */
import type { TrainedModel } from '../../models/model.ts';

/** What a runner gives for rows of ids. */
export interface Outputs {
  /** [rows, outputs] */
  readonly logits: Float32Array | Float64Array;
  /** [rows, outputs]: sigmoid or softmax of the logits. */
  readonly probabilities: Float32Array | Float64Array;
}

/** A model that is open in a runner. */
export interface RunnerSession {
  /** What runs, in words: e.g. `TensorFlow.js 4.22.0 (cpu backend)`. */
  readonly description: string;
  /**
   * Computes rows of ids.
   * @param ids token ids, [rows, time]
   * @throws INPUT_INVALID on a zero dimension or an id outside the vocabulary; DISPOSED
   */
  run(ids: Int32Array, rows: number, time: number): Promise<Outputs>;
  /** Frees what the session holds. Further calls do nothing. */
  dispose(): Promise<void>;
}

/** What is to be compared: the trained model, and the file that was exported from it. */
export interface Subject {
  /** As it was trained. */
  readonly model: TrainedModel;
  /** The bytes of the file. */
  readonly onnx: Uint8Array;
}

/** A way to compute a trained model. */
export interface Runner {
  /** By which reports call it. */
  readonly name: RunnerName;
  /** Why this runner cannot run `subject` here, with the remedy; undefined when it can. */
  refusal(subject: Subject): Promise<string | undefined>;
  /** Opens the model. @throws what opening it throws */
  open(subject: Subject): Promise<RunnerSession>;
}

/** All of them, the reference first. */
export const runnerNames = ['reference', 'js', 'wasm', 'tensorflow', 'onnxruntime', 'onnxruntime-web'] as const;
/** A way to compute a trained model, by its name. */
export type RunnerName = (typeof runnerNames)[number];

/** Those that run the exported file; the others compute from the weights. */
export const fileRunners: readonly RunnerName[] = ['onnxruntime', 'onnxruntime-web'];
