/** `recurrent-onnx`: train and evaluate. The other parts: `/models`, `/data`, `/export`, `/runtime`, `/parity`, `/report`. */
export type { EpochRecord } from '../models/checkpoint/state.ts';
export { catalogue, type ErrorCode, RecurrentError } from './core/errors.ts';
export type { Progress } from './core/progress.ts';
export type { SpecSource } from './training/describe-model.ts';
export type { EngineName } from './training/engine.ts';
export {
  type EvaluateOptions,
  type EvaluationReport,
  evaluate,
  evaluateWith,
  type Forward,
  type LabelledTexts,
} from './training/evaluate.ts';
export type { PlateauInput, ScheduleInput } from './training/learning-rate.ts';
export type { ClassMetrics, Metrics } from './training/metrics.ts';
export type { OptimiserInput, OptimiserOptions } from './training/optimisers.ts';
export type { RunOptions, RunOptionsInput } from './training/options.ts';
export { type RunFiles, runFiles } from './training/run-folder.ts';
export {
  type TrainingResult,
  type TrainingStart,
  type TrainOptions,
  train,
} from './training/train.ts';
