/** The port behind which a model runs whole batches: in this process, or in child processes. */

/** Rows of one length, as a session takes them. */
export interface Batch {
  /** Token ids, [rows, time]. */
  readonly ids: Int32Array;
  readonly rows: number;
  readonly time: number;
  /** What the recurrent layers start from, in the order of the model's plan, [rows, units] each. Default: zeros. */
  readonly states?: readonly Float32Array[] | undefined;
}

/** What a model gives for the rows of a batch. */
export interface BatchOutputs {
  /** [rows, outputs] */
  readonly logits: Float32Array;
  /** [rows, outputs]: sigmoid or softmax of the logits. */
  readonly probabilities: Float32Array;
  /** What they end with, where the batch had states. */
  readonly states?: readonly Float32Array[];
}

export interface BatchRunner {
  /** Batches that it takes at a time. */
  readonly concurrency: number;
  /** Whether a batch may have states. */
  readonly carriesStates: boolean;
  /** @throws RUNTIME_FAILED, RUNTIME_LOST */
  run(batch: Batch): Promise<BatchOutputs>;
  /** Called once, when nothing runs any more. */
  close(): Promise<void>;
}
