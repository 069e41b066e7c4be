/** Figures of one run or of several, as the report writes them. */
import { deviation, mean, median, sum } from 'd3-array';
import type { AuthorsFigures } from './authors.ts';
import type { Outcome } from './outcome.ts';

/** Of an epoch with its validation; undefined where no epoch was timed. */
export function medianSeconds({ epochSeconds }: Pick<Outcome, 'epochSeconds'>): number | undefined {
  return median(epochSeconds.filter((seconds) => seconds !== null));
}

/** An epoch's time by its steps, as Keras prints it: validation is part of it. */
export function millisecondsPerStep(run: Pick<Outcome, 'epochSeconds' | 'stepsPerEpoch'>): number | undefined {
  const seconds = medianSeconds(run);
  return seconds === undefined ? undefined : (1000 * seconds) / run.stepsPerEpoch;
}

/** Of all epochs; undefined where an earlier call did some of them. */
export function trainingSeconds({ epochSeconds }: Pick<Outcome, 'epochSeconds'>): number | undefined {
  const timed = epochSeconds.filter((seconds) => seconds !== null);
  return timed.length === epochSeconds.length ? sum(timed) : undefined;
}

/** The authors' training as their figures tell it: epochs of so many steps, each of the middle of their times. */
export function authorsSeconds(
  { epochs, millisecondsPerStep: range }: Pick<AuthorsFigures, 'epochs' | 'millisecondsPerStep'>,
  stepsPerEpoch: number,
): number | undefined {
  return range && (epochs * stepsPerEpoch * (range[0] + range[1])) / 2000;
}

/** `0.8071`, of several `0.8071 ± 0.0042` with the standard deviation of the sample. */
export function writeSpread(values: readonly number[], digits = 4): string {
  const middle = mean(values);
  if (middle === undefined) return '—';
  const spread = deviation(values);
  return spread === undefined ? middle.toFixed(digits) : `${middle.toFixed(digits)} ± ${spread.toFixed(digits)}`;
}

/** How many standard deviations `figure` lies from the mean; undefined for fewer than three values. */
export function deviationsFrom(values: readonly number[], figure: number): number | undefined {
  const spread = values.length < 3 ? undefined : deviation(values);
  return spread ? (figure - (mean(values) ?? Number.NaN)) / spread : undefined;
}
