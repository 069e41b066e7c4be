/** Curves over one axis, such as losses over epochs, each with the spread of several runs if there is one. */
import { scaleLinear } from 'd3-scale';
import { area, line as path } from 'd3-shape';
import { axisHeight, axisWidth, drawAxes, type Field } from './axes.ts';
import { drawLegend } from './legend.ts';
import { drawMarks, type Mark, marksHeight, placeMarks } from './marks.ts';
import { spanOf } from './span.ts';
import { drawing, element, headHeight, pixels } from './svg.ts';
import { curveStyle } from './theme.ts';

/** null, and what is not finite, is a gap. */
export type Values = readonly (number | null)[];

/** A curve. */
export interface Series {
  /** In the legend. */
  readonly name: string;
  /** One for each x. */
  readonly values: Values;
  /** Shaded, e.g. from the lowest to the highest of several runs. */
  readonly band?: { readonly low: Values; readonly high: Values } | undefined;
  /** Place in the palette. Default: the place of the series. */
  readonly colour?: number | undefined;
  /** Default: false. */
  readonly dashed?: boolean | undefined;
}

/** Curves over a common axis. */
export interface LineChart {
  /** Above the chart. */
  readonly title: string;
  /** Below the title. */
  readonly note?: string | undefined;
  /** What x is. */
  readonly xLabel: string;
  /** What the values are. */
  readonly yLabel: string;
  /** Ascending. */
  readonly x: readonly number[];
  /** The curves. */
  readonly series: readonly Series[];
  /** Lines at certain x. */
  readonly marks?: readonly Mark[] | undefined;
  /** Default: what the values take. */
  readonly yRange?: readonly [number, number] | undefined;
  /** Writes 0.8 as 80 %. */
  readonly percent?: boolean | undefined;
  /** Pixels. Default: 640. */
  readonly width?: number | undefined;
  /** Pixels. Default: 360. */
  readonly height?: number | undefined;
}

/** At most so many points are marked one by one. */
const mostDots = 40;

/** Draws curves. @returns an `<svg>` for a file or a page */
export function lineChart(chart: LineChart): string {
  const {
    title,
    note,
    xLabel,
    yLabel,
    x,
    series,
    marks = [],
    yRange,
    percent = false,
    width = 640,
    height = 360,
  } = chart;
  const shown = series.flatMap(({ values, band }) => [...values, ...(band ? [...band.low, ...band.high] : [])]);
  const yScale = scaleLinear(yRange ?? spanOf(shown.filter(isNumber)) ?? [0, 1], [0, 0]);
  if (!yRange) yScale.nice(5);
  const yWords = yScale.tickFormat(5, percent ? '%' : undefined);
  const yTicks = yScale.ticks(5).map((value) => ({ value, words: yWords(value).replace('%', ' %') }));

  const curves = series.map((one, index) => ({ ...one, style: curveStyle(one.colour ?? index, one.dashed) }));
  const left = axisWidth(yTicks.map(({ words }) => words));
  const right = width - 20;
  const legend = drawLegend(
    curves.map(({ name, style }) => ({ name, stroke: style.stroke })),
    { left, right, top: headHeight({ note, width }) },
  );
  const inset = 10;
  const xScale = scaleLinear(spanOf(x) ?? [0, 1], [left + inset, right - inset]);
  const placed = placeMarks(marks, xScale, right);
  const field: Field = { left, right, top: legend.bottom + marksHeight(placed), bottom: height - axisHeight };
  yScale.range([field.bottom, field.top]);
  const xs = x.map((value) => xScale(value));
  const whole = x.every(Number.isInteger);
  const xTicks = xScale
    .ticks(Math.min(12, Math.max(1, x.length - 1)))
    .filter((tick) => !whole || Number.isInteger(tick));
  const xWords = xScale.tickFormat(12);

  return drawing({
    title,
    note,
    width,
    height,
    content: [
      ...legend.content,
      ...drawAxes(
        field,
        {
          label: xLabel,
          ticks: xTicks.map((tick) => ({
            at: xScale(tick),
            words: whole ? tick.toLocaleString('en-US') : xWords(tick),
          })),
        },
        { label: yLabel, ticks: yTicks.map(({ value, words }) => ({ at: yScale(value), words })) },
      ),
      ...drawMarks(placed, field),
      ...curves.flatMap(({ band, style }) => (band ? drawBand(xs, band, yScale, style) : [])),
      ...curves.flatMap(({ values, style }) => drawCurve(xs, values, yScale, style)),
    ],
  });
}

type Style = ReturnType<typeof curveStyle>;
type Scale = (value: number) => number;

function drawCurve(xs: readonly number[], values: Values, scale: Scale, { stroke, fill }: Style): string[] {
  const points = xs.map((x, index): Point => [x, at(values, index)]);
  const draw = path<Point>()
    .defined(isDrawn)
    .x(([x]) => pixels(x))
    .y(([, y]) => pixels(scale(y)));
  const alone = points.filter(
    (point, index) =>
      isDrawn(point) &&
      (points.length <= mostDots || !(points.slice(Math.max(0, index - 1), index + 2).filter(isDrawn).length > 1)),
  );
  return [
    element('path', { d: draw(points) ?? '', 'stroke-linejoin': 'round', ...stroke }),
    ...alone.map(([x, y]) => element('circle', { cx: x, cy: scale(y), r: 2.5, ...fill })),
  ];
}

function drawBand(
  xs: readonly number[],
  { low, high }: { readonly low: Values; readonly high: Values },
  scale: Scale,
  { fill }: Style,
): string {
  const draw = area<number>()
    .defined((_, index) => Number.isFinite(at(low, index)) && Number.isFinite(at(high, index)))
    .x((x) => pixels(x))
    .y0((_, index) => pixels(scale(at(low, index))))
    .y1((_, index) => pixels(scale(at(high, index))));
  return element('path', { d: draw([...xs]) ?? '', 'fill-opacity': 0.18, ...fill });
}

type Point = readonly [x: number, value: number];
const isDrawn = ([, value]: Point) => Number.isFinite(value);
const isNumber = (value: number | null): value is number => value !== null && Number.isFinite(value);
const at = (values: Values, index: number) => values[index] ?? Number.NaN;
