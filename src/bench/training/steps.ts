/** The benchmark of single training steps, from what was asked for to rows. */
import { fail } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { type Machine, measureMachine } from '../machine.ts';
import type { Absence, ContenderName } from './contender.ts';
import { startContenders } from './contenders.ts';
import { listProblems, type Selection } from './problems.ts';
import { findRealTexts } from './real-texts.ts';
import { runTraining, type TrainingRun } from './run.ts';

export interface StepsBench extends Selection {
  readonly contenders: readonly ContenderName[];
  readonly threads: readonly number[];
  /** Of timing, for each contender on each problem. */
  readonly seconds: number;
  /** Contenders that take seconds for a step are timed on every problem, not only where they take least. */
  readonly patient: boolean;
  readonly progress: Progress;
}

export interface StepsFigures extends TrainingRun {
  readonly machine: Machine;
  /** Who could not be started. */
  readonly missing: readonly Absence[];
  /** Why the ids are not those of reviews, if so. */
  readonly noReviews: string | undefined;
  /** How many problems there were. */
  readonly problems: number;
}

/** @throws OPTION_INVALID when the selection is empty */
export async function measureSteps(bench: StepsBench): Promise<StepsFigures> {
  const { progress, seconds, patient } = bench;
  const texts = bench.ids.includes('real') ? await findRealTexts(progress) : undefined;
  progress.stop();
  const outlines = listProblems(bench, texts?.reviews ?? 'spam');
  if (outlines.length === 0) {
    fail('OPTION_INVALID', 'none of these shapes has such layers or ids', 'Leave --layers or --ids out.');
  }
  const { contenders, absences: missing } = await startContenders(bench.contenders, bench.threads);
  try {
    const machine = await measureMachine(contenders);
    const run = await runTraining({ outlines, contenders, texts, seconds, patient, progress });
    return { ...run, machine, missing, noReviews: texts?.missing, problems: outlines.length };
  } finally {
    for (const contender of contenders) await contender.close();
  }
}
