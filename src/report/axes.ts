/** The field of a chart with its grid, ticks and labels. */
import { line, text } from './svg.ts';
import { textWidth } from './text-width.ts';
import { filled, stroked } from './theme.ts';

/** Edges of the field, in pixels. */
export interface Field {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface Axis {
  readonly label: string;
  readonly ticks: readonly { readonly at: number; readonly words: string }[];
}

/** Room below a field for the ticks and the label of its x axis. */
export const axisHeight = 46;

/** Room left of a field for the ticks and the label of its y axis. */
export function axisWidth(ticks: readonly string[]): number {
  return 38 + Math.max(0, ...ticks.map((words) => textWidth(words)));
}

/** Lines across for the y axis, a base line and ticks for the x axis, of which as many say their words as have room. */
export function drawAxes({ left, top, right, bottom }: Field, x: Axis, y: Axis): string[] {
  const every = spacing(x.ticks);
  return [
    ...y.ticks.flatMap(({ at, words }) => [
      line(left, at, right, at, stroked('grid')),
      text(left - 8, at + 4, words, { ...filled('muted'), 'text-anchor': 'end' }),
    ]),
    line(left, bottom, right, bottom, stroked('muted')),
    ...x.ticks.flatMap(({ at, words }, index) => [
      line(at, bottom, at, bottom + 4, stroked('muted')),
      ...(index % every ? [] : [text(at, bottom + 18, words, { ...filled('muted'), 'text-anchor': 'middle' })]),
    ]),
    text((left + right) / 2, bottom + 37, x.label, { 'text-anchor': 'middle' }),
    text(0, 0, y.label, {
      'text-anchor': 'middle',
      transform: `translate(20 ${((top + bottom) / 2).toFixed(2)}) rotate(-90)`,
    }),
  ];
}

/** The least n such that every nth of the words keeps clear of the next. */
function spacing(ticks: Axis['ticks']): number {
  const fits = (every: number) =>
    ticks.every(({ at, words }, index) => {
      const next = ticks[index + every];
      return index % every || !next || at + (textWidth(words) + textWidth(next.words)) / 2 + 10 <= next.at;
    });
  let every = 1;
  while (every < ticks.length && !fits(every)) every++;
  return every;
}
