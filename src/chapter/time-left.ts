import { mean } from 'd3-array';

/**
 * Seconds that the runs of `left` will take: a model as long as its runs so far, one without any as long as all runs on
 * average; undefined before the first is done.
 */
export function timeLeft(
  done: readonly { readonly model: string; readonly seconds: number }[],
  left: readonly string[],
): number | undefined {
  const average = mean(done, ({ seconds }) => seconds);
  if (average === undefined) return undefined;
  const expected = (name: string) =>
    mean(
      done.filter(({ model }) => model === name),
      ({ seconds }) => seconds,
    ) ?? average;
  return left.reduce((sum, model) => sum + expected(model), 0);
}
