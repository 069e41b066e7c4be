/** From comparisons by place to a report by row. */
import type { Computed, Pair, Sensitivities } from './pairs.ts';
import type { PairReport, ParityReport, RanRunner, SkippedRunner } from './report.ts';
import type { Sensitivity } from './sensitivity.ts';
import { toleranceBetween, tolerances } from './tolerances.ts';

/** @param order the row that stands at each place */
export function buildReport(
  computed: readonly Computed[],
  skipped: readonly SkippedRunner[],
  compared: readonly Pair[],
  order: Uint32Array,
  sensitivities: Sensitivities,
): Omit<ParityReport, 'onnxSha256'> {
  const pairs = compared.map((pair) => describePair(pair, order));
  const againstReference = pairs.filter(({ norm }) => norm === 'reference');
  const places = (key: 'flips' | 'ties' | 'sensitive'): Set<number> =>
    new Set(compared.flatMap(({ found }) => found[key]));
  return {
    passed: pairs.every(({ passed }) => passed),
    examples: Math.max(...pairs.map(({ examples }) => examples)),
    flips: places('flips').size,
    ties: places('ties').size,
    sensitive: [...places('sensitive')]
      .map((place) => ({ row: order[place] as number, ...(sensitivities.get(place) as Sensitivity) }))
      .sort((a, b) => a.row - b.row),
    maxAbsError: Math.max(...againstReference.map(({ maxAbsError }) => maxAbsError)),
    maxLogitError: Math.max(...againstReference.map(({ maxLogitError }) => maxLogitError)),
    smallestMargin: Math.min(...compared.map(({ found }) => found.smallestMargin)),
    runners: [
      ...computed.map((runner) =>
        describeRunner(
          runner,
          againstReference.find(({ other }) => other === runner.name),
        ),
      ),
      ...skipped,
    ],
    pairs,
    tolerances: Object.fromEntries(pairs.map(({ tolerance }) => [tolerance, tolerances[tolerance]])),
  };
}

function describeRunner(
  { name, description, examples, seconds }: Computed,
  pair: PairReport | undefined, // none for the reference itself
): RanRunner {
  const { maxAbsError = 0, maxLogitError = 0, flips = 0, ties = 0 } = pair ?? {};
  return { name, description, examples, maxAbsError, maxLogitError, flips, ties, seconds };
}

function describePair({ norm, other, found }: Pair, order: Uint32Array): PairReport {
  const given = (place: number): number => order[place] as number;
  const firstOf = (places: Iterable<number>): number[] =>
    Array.from(places, given)
      .sort((a, b) => a - b)
      .slice(0, 10);
  const failing = new Set([...found.flips, ...found.overTolerance, ...found.notFinite]);
  return {
    norm: norm.name,
    other: other.name,
    examples: found.rows,
    maxAbsError: found.probabilityError.value,
    maxAbsErrorRow: given(found.probabilityError.row),
    maxLogitError: found.logitError.value,
    maxLogitErrorRow: given(found.logitError.row),
    flips: found.flips.length,
    ties: found.ties.length,
    overTolerance: found.overTolerance.length,
    sensitive: found.sensitive.length,
    notFinite: found.notFinite.length,
    failingRows: firstOf(failing),
    tiedRows: firstOf(found.ties),
    tolerance: toleranceBetween(norm.name, other.name),
    passed: failing.size === 0,
  };
}
