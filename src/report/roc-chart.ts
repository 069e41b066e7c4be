import { scaleLinear } from 'd3-scale';
import { line as path } from 'd3-shape';
import { axisHeight, axisWidth, drawAxes, type Field } from './axes.ts';
import { drawLegend } from './legend.ts';
import type { RocCurve, RocPoint } from './roc.ts';
import { drawing, element, headHeight, line, pixels } from './svg.ts';
import { curveStyle, stroked } from './theme.ts';

/** Receiver operating characteristics. */
export interface RocChart {
  /** Above the chart. */
  readonly title: string;
  /** Below the title. */
  readonly note?: string | undefined;
  /** One, or one a class. */
  readonly curves: readonly { readonly name: string; readonly curve: RocCurve }[];
  /** Pixels. Default: 460. */
  readonly width?: number | undefined;
}

/** The curves of a classifier, each with its area, above the diagonal of a guess. @returns an `<svg>` for a file or a page */
export function rocChart({ title, note, curves, width = 460 }: RocChart): string {
  const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1].map((share) => ({ share, words: `${Math.round(100 * share)} %` }));
  const left = axisWidth(ticks.map(({ words }) => words));
  const right = width - 28;
  const legend = drawLegend(
    curves.map(({ name, curve }, index) => ({
      name: `${name}, area ${curve.area.toFixed(4)}`,
      stroke: curveStyle(index).stroke,
    })),
    { left, right, top: headHeight({ note, width }) },
  );
  const top = legend.bottom + 10;
  const field: Field = { left, right, top, bottom: top + right - left };
  const across = scaleLinear([0, 1], [left, right]);
  const up = scaleLinear([0, 1], [field.bottom, top]);
  const draw = path<RocPoint>()
    .x(({ falsePositives }) => pixels(across(falsePositives)))
    .y(({ truePositives }) => pixels(up(truePositives)));

  return drawing({
    title,
    note,
    width,
    height: field.bottom + axisHeight,
    content: [
      ...legend.content,
      ...drawAxes(
        field,
        { label: 'false positives', ticks: ticks.map(({ share, words }) => ({ at: across(share), words })) },
        { label: 'true positives', ticks: ticks.map(({ share, words }) => ({ at: up(share), words })) },
      ),
      line(across(0), up(0), across(1), up(1), { ...stroked('muted'), 'stroke-dasharray': '2 3' }),
      ...curves.map(({ curve }, index) =>
        element('path', { d: draw(visible(curve.points, across(1) - across(0))) ?? '', ...curveStyle(index).stroke }),
      ),
    ],
  });
}

/** Of a thousand points on one pixel, the first and those a quarter of a pixel further on. The ends stay. */
function visible(points: readonly RocPoint[], side: number): RocPoint[] {
  let last: RocPoint = { falsePositives: Number.NEGATIVE_INFINITY, truePositives: 0 };
  const kept = points.filter((point, index) => {
    const far =
      Math.abs(point.falsePositives - last.falsePositives) + Math.abs(point.truePositives - last.truePositives) >=
      0.25 / side;
    if (!far && index < points.length - 1) return false;
    last = point;
    return true;
  });
  return kept.filter(({ falsePositives, truePositives }) => Number.isFinite(falsePositives + truePositives));
}
