/**
 * The port behind which every training engine stands. The fit loop, callbacks and checkpoints know only this.
 * `test/contract/engine.ts` is the suite that each engine must pass.
 */
import type { ModelSpec } from '../../models/layers.ts';
import type { Weights } from '../../models/weights.ts';
import type { OptimiserOptions, OptimiserState } from './optimisers.ts';
import type { StepOption, StepOptions } from './step-options.ts';

/** Rows of one step. Nothing is kept of it after the call. */
export interface Batch {
  readonly rows: number;
  readonly time: number;
  /** Token ids, [rows, time]. */
  readonly ids: Int32Array;
  /** Class of each row, [rows]. */
  readonly targets: Int32Array;
  /** States before the first step by the names of `ModelPlan.states`, [rows, units] each. Default: zeros. */
  readonly initialStates?: ReadonlyMap<string, Float32Array> | undefined;
}

/** Addresses the random draws of a step, so that all engines see the same dropout masks. */
export interface StepAddress {
  readonly seed: number;
  /** From 0. */
  readonly epoch: number;
  /** Step inside the epoch, from 0. */
  readonly step: number;
}

export interface StepResult {
  /** Mean over the rows, before the update; in training with the weights of the classes, and with the penalty. */
  readonly loss: number;
  /** Rows whose most probable class is the target. */
  readonly correct: number;
  /** [rows, outputs]: sigmoid or softmax of the logits. */
  readonly probabilities: Float32Array;
}

export interface Evaluation extends StepResult {
  /** [rows, outputs] */
  readonly logits: Float32Array;
}

export interface EngineState {
  readonly weights: Weights;
  readonly optimiser: OptimiserState;
}

export interface Engine {
  readonly name: EngineName;
  readonly threads: number;
  /** For people: what it found out about the machine while it was prepared, if anything. */
  readonly remark?: string | undefined;
  /** Forward with dropout, backward, and one update of the weights. */
  step(batch: Batch, address: StepAddress, learningRate: number): Promise<StepResult>;
  /** Forward without dropout. */
  evaluate(batch: Batch): Promise<Evaluation>;
  /** A copy of weights and optimiser moments. */
  state(): Promise<EngineState>;
  /** Replaces weights and moments, e.g. by the best ones or those of a checkpoint. */
  restore(state: EngineState): Promise<void>;
  dispose(): Promise<void>;
}

export const engineNames = ['js', 'wasm', 'onnxruntime', 'onnxruntime-cuda', 'tensorflow'] as const;
/** What can train; `docs/engines.md` describes each. */
export type EngineName = (typeof engineNames)[number];

export interface EngineOptions {
  readonly spec: ModelSpec;
  readonly weights: Weights;
  readonly optimiser: OptimiserOptions;
  readonly threads: number;
  /** Default: none. */
  readonly stepOptions?: StepOptions | undefined;
}

/** A run as it is known before it begins. */
export interface EngineLoad {
  readonly spec: ModelSpec;
  readonly optimiser: OptimiserOptions;
  /** Default: none. */
  readonly stepOptions?: StepOptions | undefined;
  readonly threads: number;
  /** Of the largest batch. */
  readonly rows: number;
  readonly time: number;
}

/** One line of what a run will hold in memory. */
export interface MemoryPart {
  /** Noun phrase, such as 'weights, gradients and moments'. */
  readonly what: string;
  /** How much that is. */
  readonly bytes: number;
}

/** An engine that may or may not be usable on this machine for this spec. */
export interface EngineProvider {
  readonly name: EngineName;
  /** Whether a step honours each option; one that it does not is refused before the engine is prepared. */
  readonly honours: Readonly<Record<StepOption, boolean>>;
  /** Why this engine cannot run `spec` here, with the remedy; undefined when it can. */
  refusal(spec: ModelSpec): Promise<string | undefined>;
  /** Most threads that have something to do in batches of `rows` rows. */
  mostThreads(rows: number): number;
  /** Default: 1. As `mostThreads` where the number is not for us to choose. */
  fewestThreads?(): number;
  /** Of an engine with an address space of its own: bytes that will lie in it, and the most that can. */
  addressSpace?(load: EngineLoad): { readonly bytes: number; readonly most: number };
  /** What the engine will hold at most, all threads together; nothing is allocated to tell. */
  memory(load: EngineLoad): readonly MemoryPart[];
  prepare(options: EngineOptions): Promise<Engine>;
}
