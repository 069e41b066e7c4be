/** Figures of several runs beside a published one: a row each, a dot a run, a line at their mean, a diamond for the other's. */
import { extent, mean } from 'd3-array';
import { scaleLinear } from 'd3-scale';
import { axisHeight } from './axes.ts';
import { drawing, element, headHeight, line, text, tooltip } from './svg.ts';
import { textWidth } from './text-width.ts';
import { filled, stroked } from './theme.ts';

export interface StripRow {
  readonly name: string;
  readonly values: readonly number[];
  /** The figure to hold them against. */
  readonly other?: number | undefined;
}

export interface StripChart {
  readonly title: string;
  /** Below the title. */
  readonly note?: string | undefined;
  readonly xLabel: string;
  readonly rows: readonly StripRow[];
  /** What the dots are, and what the diamonds. */
  readonly names: { readonly value: string; readonly other: string };
  /** Writes 0.8 as 80 %. */
  readonly percent?: boolean | undefined;
  readonly width?: number | undefined;
}

const rowHeight = 30;

/** @returns an `<svg>` for a file or a page */
export function stripChart({ title, note, xLabel, rows, names, percent = false, width = 640 }: StripChart): string {
  const left = 24 + Math.max(0, ...rows.map(({ name }) => textWidth(name)));
  const right = width - 28;
  const shown = rows.flatMap(({ values, other }) => [...values, ...(other === undefined ? [] : [other])]);
  const [least = 0, most = 1] = extent(shown.filter(Number.isFinite));
  const room = (most - least) * 0.05 || 0.01;
  const scale = scaleLinear([least - room, most + room], [left, right]).nice(6);
  const words = scale.tickFormat(6, percent ? '%' : undefined);
  const head = headHeight({ note, width });
  const top = head + 26;
  const bottom = top + rows.length * rowHeight;
  return drawing({
    title,
    note,
    width,
    height: bottom + axisHeight,
    content: [
      ...drawNames(names, left, head + 8),
      ...scale.ticks(6).flatMap((tick) => [
        line(scale(tick), top, scale(tick), bottom, stroked('grid')),
        text(scale(tick), bottom + 18, words(tick).replace('%', ' %'), {
          ...filled('muted'),
          'text-anchor': 'middle',
        }),
      ]),
      line(left, bottom, right, bottom, stroked('muted')),
      text((left + right) / 2, bottom + 37, xLabel, { 'text-anchor': 'middle' }),
      ...rows.flatMap((row, index) => drawRow(row, { left, y: top + (index + 0.5) * rowHeight, scale, percent })),
    ],
  });
}

function drawNames({ value, other }: StripChart['names'], x: number, y: number): string[] {
  const second = x + textWidth(value) + 46;
  return [dot(x + 5, y), text(x + 16, y + 4, value), diamond(second + 5, y), text(second + 17, y + 4, other)];
}

interface Place {
  readonly left: number;
  readonly y: number;
  readonly scale: (value: number) => number;
  readonly percent: boolean;
}

function drawRow({ name, values, other }: StripRow, { left, y, scale, percent }: Place): string[] {
  const middle = values.length > 1 ? mean(values) : undefined;
  const written = (value: number) => (percent ? `${(100 * value).toFixed(2)} %` : value.toFixed(4));
  return [
    text(left - 10, y + 4, name, { 'text-anchor': 'end' }),
    ...(middle === undefined
      ? []
      : [line(scale(middle), y - 9, scale(middle), y + 9, { ...stroked('blue'), 'stroke-width': 2 })]),
    ...values.map((value) => dot(scale(value), y, `${name}: ${written(value)}`)),
    ...(other === undefined ? [] : [diamond(scale(other), y, `${name}, published: ${written(other)}`)]),
  ];
}

function dot(x: number, y: number, words?: string): string {
  return element('circle', { cx: x, cy: y, r: 4.5, 'fill-opacity': 0.65, ...filled('blue') }, told(words));
}

function diamond(x: number, y: number, words?: string): string {
  const points = `${x},${y - 6} ${x + 6},${y} ${x},${y + 6} ${x - 6},${y}`;
  return element('polygon', { points, 'stroke-width': 2, ...stroked('vermilion') }, told(words));
}

function told(words: string | undefined): string[] {
  return words === undefined ? [] : [tooltip(words)];
}
