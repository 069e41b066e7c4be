import type { Dataset, Example } from './dataset.ts';

/** The examples at some places of a data set, such as one part of a split, in the order of the places. */
export function partOf(
  { labels, examples, recipe }: Dataset,
  places: Int32Array,
): Pick<Dataset, 'labels' | 'examples' | 'recipe'> {
  return { labels, examples: Array.from(places, (place) => examples[place] as Example), recipe };
}
