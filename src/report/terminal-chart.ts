/**
 * Curves as lines of text. On a terminal with colours, in dots of braille, eight in a letter; elsewhere each curve is
 * drawn with a letter of its own, so that a pipe or a log loses nothing.
 */
import { scaleLinear } from 'd3-scale';
import { spanOf } from './span.ts';

/** Curves in letters. */
export interface TerminalChart {
  /** Above the chart. */
  readonly title: string;
  /** What x is. */
  readonly xLabel: string;
  /** Ascending. */
  readonly x: readonly number[];
  /** Of each curve one value for each x; null, and what is not finite, is a gap. */
  readonly series: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
  /** Columns there are. */
  readonly width: number;
  /** Rows of the field. Default: 8. */
  readonly height?: number | undefined;
  /** Colours the curves in turn. Left out: letters instead of colours. */
  readonly paint?: readonly ((text: string) => string)[] | undefined;
}

const widest = 72;
/** Of the field: in fewer columns a curve says nothing. */
const narrowest = 16;
const letters = ['*', 'o', 'x', '+', '#', '='];

/** Draws curves in letters. @returns lines without a trailing newline; undefined where there is no room, or no curve of two points or more */
export function terminalChart(chart: TerminalChart): string | undefined {
  const { title, xLabel, x, series, width, height = 8, paint } = chart;
  const span = spanOf(series.flatMap(({ values }) => values.filter(isNumber)));
  const [first, last] = [x[0], x.at(-1)];
  if (span === undefined || first === undefined || last === undefined || first === last) return undefined;
  const up = scaleLinear(span, [0, 0]).nice(4);
  const format = up.tickFormat(4);
  const ticks = up.ticks(4).map((value) => ({ value, words: format(value) }));
  const labelWidth = Math.max(...ticks.map(({ words }) => words.length));
  const columns = Math.min(width, widest) - labelWidth - 2;
  if (columns < narrowest) return undefined;

  const cell = paint ? { across: 2, up: 4 } : { across: 1, up: 1 };
  const raster = { width: columns * cell.across, height: height * cell.up };
  up.range([raster.height - 1, 0]);
  const across = scaleLinear([first, last], [0, raster.width - 1]);
  const cells = Array.from({ length: height }, () => new Array<Cell | undefined>(columns).fill(undefined));
  for (const [index, { values }] of series.entries()) {
    for (const [dotX, dotY] of dots(
      x.map(across),
      values.map((value) => (isNumber(value) ? up(value) : undefined)),
    )) {
      const row = cells[Math.floor(dotY / cell.up)];
      const column = Math.floor(dotX / cell.across);
      const bit = braille[dotY % 4]?.[dotX % 2] ?? 0;
      if (row) row[column] = { series: index, bits: (row[column]?.bits ?? 0) | bit };
    }
  }

  const words = new Map(ticks.map((tick) => [Math.floor(Math.round(up(tick.value)) / cell.up), tick.words]));
  const draw = (drawn: Cell | undefined) =>
    drawn === undefined
      ? ' '
      : paint
        ? (paint[drawn.series % paint.length]?.(String.fromCodePoint(0x2800 + drawn.bits)) ?? ' ')
        : letterOf(drawn.series);
  const legend = series.map(({ name }, index) =>
    paint ? paint[index % paint.length]?.(`─ ${name}`) : `${letterOf(index)} ${name}`,
  );
  const ends = [String(first), xLabel, String(last)];
  const space = Math.max(2, columns - ends.join('').length);
  return [
    `${title}   ${legend.join('   ')}`,
    ...cells.map((row, index) => {
      const label = words.get(index);
      return `${(label ?? '').padStart(labelWidth)} ${label ? '┤' : '│'}${row.map(draw).join('')}`.trimEnd();
    }),
    `${' '.repeat(labelWidth)} └${'─'.repeat(columns)}`,
    `${' '.repeat(labelWidth + 2)}${ends[0]}${' '.repeat(Math.floor(space / 2))}${ends[1]}${' '.repeat(Math.ceil(space / 2))}${ends[2]}`,
  ].join('\n');
}

interface Cell {
  /** The last one that went through. */
  readonly series: number;
  readonly bits: number;
}

/** Bits of U+2800 and after, by row and column of the dot. */
const braille = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
];

/** The dots of a line through the points, without holes where it is steep. */
function* dots(xs: readonly number[], ys: readonly (number | undefined)[]): Generator<readonly [x: number, y: number]> {
  for (const [index, y] of ys.entries()) {
    if (y === undefined) continue;
    const x = xs[index] as number;
    yield [Math.round(x), Math.round(y)];
    const [nextX, nextY] = [xs[index + 1], ys[index + 1]];
    if (nextX === undefined || nextY === undefined) continue;
    const steps = Math.ceil(Math.max(Math.abs(nextX - x), Math.abs(nextY - y)));
    for (let step = 1; step < steps; step++) {
      const share = step / steps;
      yield [Math.round(x + share * (nextX - x)), Math.round(y + share * (nextY - y))];
    }
  }
}

const letterOf = (series: number) => letters[series % letters.length] ?? '*';
const isNumber = (value: number | null): value is number => value !== null && Number.isFinite(value);
