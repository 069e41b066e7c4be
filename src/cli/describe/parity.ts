/** A parity report as a person reads it: what ran, then each runner against each. */

import { formatCount, formatSeconds, formatSmall } from '../../core/format-numbers.ts';
import type { PairReport, ParityReport } from '../../parity/report.ts';
import { facts, table } from '../terminal/table.ts';

export function describeParity(report: ParityReport): string {
  const { examples, flips, ties, sensitive, maxAbsError, maxLogitError, smallestMargin, onnxSha256 } = report;
  return [
    describeRunners(report),
    describeMatrix(report),
    facts([
      ['examples', formatCount(examples)],
      ['label flips', ties ? `${flips} (and ${ties} ties)` : String(flips)],
      ['largest error', `${formatSmall(maxAbsError)} on a probability, ${formatSmall(maxLogitError)} on a logit`],
      ...(sensitive.length ? [['sensitive texts', `${sensitive.length} (see docs/parity.md)`] as const] : []),
      ['smallest margin', formatSmall(smallestMargin)],
      ...(onnxSha256 === null ? [] : [['ONNX file', `SHA-256 ${onnxSha256}`] as const]),
    ]),
  ].join('\n\n');
}

function describeRunners({ runners }: ParityReport): string {
  const rows = runners.map((runner) =>
    'skipped' in runner
      ? [runner.name, '—', '—', '—', `skipped: ${runner.skipped}`]
      : [
          runner.name,
          formatCount(runner.examples),
          String(runner.flips),
          formatSeconds(runner.seconds),
          runner.description,
        ],
  );
  return table(rows, {
    head: ['runner', 'examples', 'flips', 'time', 'what ran'],
    align: ['left', 'right', 'right', 'right', 'left'],
  });
}

/** The largest error on a probability between each two. */
function describeMatrix({ pairs }: ParityReport): string {
  const names = [...new Set(pairs.flatMap(({ norm, other }) => [norm, other]))];
  const between = (one: string, two: string): PairReport | undefined =>
    pairs.find(({ norm, other }) => (norm === one && other === two) || (norm === two && other === one));
  const rows = names.map((one) => [one, ...names.map((two) => describePair(between(one, two)))]);
  return table(rows, { head: ['largest |Δ|', ...names], align: ['left', ...names.map(() => 'right' as const)] });
}

function describePair(pair: PairReport | undefined): string {
  if (!pair) return '·';
  return `${formatSmall(pair.maxAbsError)}${pair.passed ? '' : ' ✗'}`;
}
