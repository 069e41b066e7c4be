/** The benchmarks as people read them. */
import { groups } from 'd3-array';
import type { Machine } from '../../bench/machine.ts';
import type { Absence } from '../../bench/training/contender.ts';
import type { CurvePoint } from '../../bench/training/curves.ts';
import type { EpochRow } from '../../bench/training/epoch.ts';
import type { MeasuredRow, ProblemAbsence } from '../../bench/training/run.ts';
import { formatCountOf } from '../../core/format-numbers.ts';
import { facts, table } from '../terminal/table.ts';

export function describeMachine({ cpu, cores, node, platform, load, peak, versions }: Machine): string {
  return facts([
    ['machine', `${cpu}, ${formatCountOf(cores, 'core')}, ${platform}, Node ${node}`],
    ['load before', `${load} of ${formatCountOf(cores, 'core')}: above 0, others had their share`],
    ['one core', `${peak.wasm} GFLOP/s in WebAssembly, ${peak.native} in a large product of onnxruntime`],
    ...Object.entries(versions).map(([name, version]) => [name, version] as const),
  ]);
}

const barWidth = 20;

/** One line a contender, those of a problem together, with bars on one logarithmic scale for all. */
export function describeTraining(rows: readonly MeasuredRow[], { peak }: Pick<Machine, 'peak'>): string {
  const medians = rows.map(({ medianMs }) => medianMs);
  const bar = logarithmicBar(Math.min(...medians), Math.max(...medians));
  const lines = groups(rows, problemOf).flatMap(([, group], index) => {
    const fastest = Math.min(...group.map(({ medianMs }) => medianMs));
    const sorted = group.toSorted((a, b) => a.medianMs - b.medianMs);
    return [
      ...(index ? [['']] : []),
      ...sorted.map((row, place) => [
        ...(place ? ['', '', ''] : [row.shape, row.layer, row.ids]),
        ...[row.contender, String(row.threads)],
        ...[row.medianMs, row.p10Ms, row.p90Ms].map(formatMilliseconds),
        formatFactor(row.medianMs / fastest),
        (row.usefulFlops / row.medianMs / 1e6).toFixed(1),
        `${Math.round((row.usefulFlops / row.medianMs / 1e6 / (peak.native * row.threads)) * 100)} %`,
        row.maxError.toExponential(1),
        bar(row.medianMs),
      ]),
    ];
  });
  const head = ['shape', 'layer', 'ids', 'contender', 'threads', 'ms a step', '10 %', '90 %', '× fastest'];
  return [
    table(lines, {
      head: [...head, 'GFLOP/s', 'of peak', 'error', 'ms, logarithmic'],
      align: [
        ...(['left', 'left', 'left', 'left', 'right', 'right', 'right', 'right', 'right'] as const),
        ...(['right', 'right', 'right', 'left'] as const),
      ],
    }),
    'GFLOP/s: products that no algorithm avoids; of peak: of the large product, on as many cores as threads.',
  ].join('\n\n');
}

function logarithmicBar(least: number, most: number): (value: number) => string {
  const range = Math.log(most / least) || 1;
  return (value) => '█'.repeat(1 + Math.round(((barWidth - 1) * Math.log(value / least)) / range));
}

export function describeCurves(points: readonly CurvePoint[]): string {
  return table(
    points.map(({ layer, over, value, contender, threads, medianMs, p10Ms, p90Ms, maxError }) => [
      ...[layer, over, value.toLocaleString('en-US'), contender, String(threads)],
      ...[medianMs, p10Ms, p90Ms].map(formatMilliseconds),
      maxError.toExponential(1),
    ]),
    {
      head: ['layer', 'over', 'value', 'contender', 'threads', 'ms a step', '10 %', '90 %', 'error'],
      align: ['left', 'left', 'right', 'left', 'right', 'right', 'right', 'right', 'right'],
    },
  );
}

export function describeEpochs(rows: readonly EpochRow[]): string {
  return table(
    rows.map(({ contender, threads, ids, medianMs, p10Ms, p90Ms, validationLoss }) => [
      ...[contender, String(threads), ids],
      ...[medianMs, p10Ms, p90Ms].map(formatMilliseconds),
      validationLoss.toFixed(4),
    ]),
    {
      head: ['contender', 'threads', 'ids', 'ms an epoch', '10 %', '90 %', 'validation loss'],
      align: ['left', 'right', 'left', 'right', 'right', 'right', 'right'],
    },
  );
}

/** `1.0`, `3.6`, `22`, `14,822`. */
function formatFactor(factor: number): string {
  return factor < 9.95 ? factor.toFixed(1) : Math.round(factor).toLocaleString('en-US');
}

/** `0.612`, `31.2`, `14,822`: three figures are what repeats. */
export function formatMilliseconds(milliseconds: number): string {
  if (milliseconds >= 100) return Math.round(milliseconds).toLocaleString('en-US');
  return milliseconds.toPrecision(3);
}

/** A line for each contender that is not in the run or in parts of it, with the reason. */
export function describeAbsences(
  missing: readonly Absence[],
  absences: readonly ProblemAbsence[],
  problems: number,
): string[] {
  const grouped = groups(absences, (absence) => `not timed: ${nameOf(absence)}\n${absence.reason}`);
  return [
    ...missing.map((absence) => `not timed: ${nameOf(absence)}: ${absence.reason}`),
    ...grouped.map(([whoAndWhy, places]) => {
      const where = places.length === problems ? '' : ` on ${places.map(problemOf).join(', ')}`;
      return whoAndWhy.replace('\n', `${where}: `);
    }),
  ];
}

function problemOf({ shape, layer, ids }: Pick<MeasuredRow, 'shape' | 'layer' | 'ids'>): string {
  return `${shape} ${layer} ${ids}`;
}

function nameOf({ contender, threads }: Pick<Absence, 'contender' | 'threads'>): string {
  return threads === undefined ? contender : `${contender} with ${formatCountOf(threads, 'thread')}`;
}
