/** How the time of a step grows with each size of a model, the others held. */
import type { Progress } from '../../core/progress.ts';
import { type Machine, measureMachine } from '../machine.ts';
import { type AxisName, axes, middle } from './axes.ts';
import type { Absence, ContenderName } from './contender.ts';
import { startContenders } from './contenders.ts';
import { outlineOfSize, type RecurrentKind, type Size } from './problems.ts';
import { type ProblemAbsence, runTraining, type TrainingRow } from './run.ts';

export interface CurvePoint extends Omit<TrainingRow, 'shape' | 'ids'> {
  readonly over: AxisName;
  readonly value: number;
}

export interface Curves {
  readonly machine: Machine;
  readonly points: readonly CurvePoint[];
  readonly missing: readonly Absence[];
  readonly absences: readonly ProblemAbsence[];
  readonly problems: number;
}

export interface CurvesBench {
  readonly over: readonly AxisName[];
  readonly layers: readonly RecurrentKind[];
  readonly contenders: readonly ContenderName[];
  readonly threads: readonly number[];
  readonly seconds: number;
  readonly progress: Progress;
}

/** Ids are uniform: the vocabulary then counts in full. */
export async function measureCurves(bench: CurvesBench): Promise<Curves> {
  const planned = bench.layers.flatMap((layer) =>
    bench.over.flatMap((over) =>
      axes[over].map((value) => {
        const size: Size & { rows: number } = { ...middle, [over]: value };
        return { over, value, outline: outlineOfSize(`${over} ${value}`, layer, size, 'uniform') };
      }),
    ),
  );
  const { contenders, absences: missing } = await startContenders(bench.contenders, bench.threads);
  try {
    const machine = await measureMachine(contenders);
    const outlines = planned.map(({ outline }) => outline);
    const { rows, absences } = await runTraining({ ...bench, outlines, contenders, texts: undefined, patient: false });
    const points = rows.map(({ shape, ids: _, usefulFlops: __, ...row }): CurvePoint => {
      const [over, value] = shape.split(' ') as [AxisName, string];
      return { over, value: Number(value), ...row };
    });
    return { machine, points, missing, absences, problems: outlines.length };
  } finally {
    for (const contender of contenders) await contender.close();
  }
}
