/** How often values occur, such as lengths of texts. A long tail is counted in the note and not drawn. */
import { bin, quantileSorted } from 'd3-array';
import { scaleLinear } from 'd3-scale';
import { axisHeight, axisWidth, drawAxes, type Field } from './axes.ts';
import { drawMarks, type Mark, marksHeight, placeMarks } from './marks.ts';
import { drawing, element, headHeight, tooltip } from './svg.ts';
import { filled } from './theme.ts';

/** How often which values occur. */
export interface Histogram {
  /** Above the chart. */
  readonly title: string;
  /** Below the title. */
  readonly note?: string | undefined;
  /** What the values are. */
  readonly xLabel: string;
  /** What is counted. Default: texts. */
  readonly yLabel?: string | undefined;
  /** What is not finite is left out. */
  readonly values: ArrayLike<number>;
  /** Most that is drawn. Default: the 99th percentile. */
  readonly upTo?: number | undefined;
  /** About so many bars, so that they begin at round numbers. Default: 40. */
  readonly bins?: number | undefined;
  /** Lines at certain values. */
  readonly marks?: readonly Mark[] | undefined;
  /** Pixels. Default: 640. */
  readonly width?: number | undefined;
  /** Pixels. Default: 360. */
  readonly height?: number | undefined;
}

/** Draws how often which values occur. @returns an `<svg>` for a file or a page */
export function histogram(chart: Histogram): string {
  const { title, xLabel, yLabel = 'texts', bins = 40, marks = [], width = 640, height = 360 } = chart;
  const sorted = Array.from(Float64Array.from(chart.values).filter(Number.isFinite).sort());
  const least = Math.min(0, sorted[0] ?? 0);
  const asked = chart.upTo ?? quantileSorted(sorted, 0.99) ?? 1;
  const xScale = scaleLinear([least, Math.max(asked, ...marks.map(({ x }) => x), least + 1e-9)], [0, 0]).nice(bins);
  const [lowest = 0, highest = 1] = xScale.domain();
  const drawn = sorted.filter((value) => value <= highest);
  const bars = bin()
    .domain([lowest, highest])
    .thresholds(xScale.ticks(bins).filter((edge) => edge < highest))(drawn);
  const tail = sorted.length - drawn.length;
  const format = (value: number) => value.toLocaleString('en-US', { maximumSignificantDigits: 6 });
  const tailNote = tail
    ? `${format(tail)} ${yLabel} above ${format(highest)} are not drawn, the largest at ${format(sorted.at(-1) ?? 0)}`
    : undefined;
  const note = [chart.note, tailNote].filter((part) => part !== undefined).join('; ') || undefined;

  const yScale = scaleLinear([0, Math.max(1, ...bars.map(({ length }) => length))], [0, 0]).nice(5);
  const yTicks = yScale.ticks(5).filter(Number.isInteger);
  const left = axisWidth(yTicks.map(format));
  const right = width - 20;
  xScale.range([left, right]);
  const placed = placeMarks(marks, xScale, right);
  const field: Field = {
    left,
    right,
    top: headHeight({ note, width }) + marksHeight(placed),
    bottom: height - axisHeight,
  };
  yScale.range([field.bottom, field.top]);

  return drawing({
    title,
    note,
    width,
    height,
    content: [
      ...drawAxes(
        field,
        { label: xLabel, ticks: xScale.ticks(10).map((tick) => ({ at: xScale(tick), words: format(tick) })) },
        { label: yLabel, ticks: yTicks.map((tick) => ({ at: yScale(tick), words: format(tick) })) },
      ),
      ...bars.flatMap(({ x0 = lowest, x1 = highest, length: count }) => {
        const bar = xScale(x1) - xScale(x0);
        const gap = Math.min(1, bar / 4);
        if (count === 0) return [];
        return element(
          'rect',
          {
            x: xScale(x0) + gap / 2,
            y: yScale(count),
            width: bar - gap,
            height: field.bottom - yScale(count),
            ...filled('blue'),
          },
          [tooltip(`${format(x0)} to ${format(x1)}: ${format(count)} ${yLabel}`)],
        );
      }),
      ...drawMarks(placed, field),
    ],
  });
}
