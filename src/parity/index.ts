/** Proof that every way to compute a trained model gives the same numbers. */
export { type Comparison, compareOutputs, type Largest } from './compare.ts';
export { type ParityOptions, runParity } from './matrix.ts';
export { assertParity, type PairReport, type ParityReport, type RanRunner, type SkippedRunner } from './report.ts';
export {
  type Outputs,
  type Runner,
  type RunnerName,
  type RunnerSession,
  runnerNames,
  type Subject,
} from './runner.ts';
export { runners } from './runners.ts';
export { type Tolerance, type ToleranceName, tolerances } from './tolerances.ts';
