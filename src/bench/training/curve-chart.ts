/** The curves as a chart: a panel for each size, both scales logarithmic, so that what grows in proportion has one slope. */
import { scaleLog } from 'd3-scale';
import { axisHeight, drawAxes, type Field } from '../../report/axes.ts';
import { drawLegend } from '../../report/legend.ts';
import { drawing, element, headHeight, pixels, text } from '../../report/svg.ts';
import { stroked } from '../../report/theme.ts';
import type { Machine } from '../machine.ts';
import { type AxisName, axisNames, middle } from './axes.ts';
import { contenderColours } from './contender-colours.ts';
import type { CurvePoint } from './curves.ts';

const panel = { width: 360, height: 270 };
const field: Field = { left: 66, right: 344, top: 36, bottom: panel.height - axisHeight };

const titles = {
  time: 'time steps',
  rows: 'rows of a batch',
  units: 'units',
  vocabulary: 'vocabulary',
} as const satisfies Record<AxisName, string>;

export function drawCurves(points: readonly CurvePoint[], { cpu, cores, node }: Machine): string {
  const panels = axisNames
    .flatMap((over) =>
      [...new Set(points.map(({ layer }) => layer))].map((layer) => ({
        layer,
        over,
        points: points.filter((point) => point.over === over && point.layer === layer),
      })),
    )
    .filter((candidate) => candidate.points.length > 0);
  const medians = points.map(({ medianMs }) => medianMs);
  const range: Range = [Math.min(...medians) / 1.2, Math.max(...medians) * 1.2];
  const width = 2 * panel.width;
  const { rows, time, inputs, units, vocabulary } = middle;
  const held = `held otherwise: ${rows} rows, ${time} steps, ${inputs} inputs, ${units} units, ${vocabulary.toLocaleString('en-US')} words`;
  const note = `${cpu}, ${cores} cores, Node ${node}; medians; ${held}`;
  const lines = new Map(points.map((point) => [lineOf(point), point]));
  const legend = drawLegend(
    [...lines].map(([name, line]) => ({ name, stroke: stroke(line) })),
    { left: 14, right: width - 14, top: headHeight({ note, width }) },
  );
  return drawing({
    title: 'One training step, milliseconds (logarithmic)',
    note,
    width,
    height: legend.bottom + Math.ceil(panels.length / 2) * panel.height,
    content: [
      ...legend.content,
      ...panels.map((one, index) =>
        element(
          'g',
          {
            transform: `translate(${(index % 2) * panel.width} ${legend.bottom + Math.floor(index / 2) * panel.height})`,
          },
          drawPanel(one, range),
        ),
      ),
    ],
  });
}

type Line = Pick<CurvePoint, 'contender' | 'threads'>;
const lineOf = ({ contender, threads }: Line) => `${contender}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
const stroke = ({ contender, threads }: Line) => ({
  ...stroked(contenderColours[contender]),
  'stroke-width': 2,
  ...(threads > 1 ? {} : { 'stroke-dasharray': '5 3' }),
});

type Range = readonly [least: number, most: number];

interface Panel {
  readonly layer: string;
  readonly over: AxisName;
  readonly points: readonly CurvePoint[];
}

function drawPanel({ layer, over, points }: Panel, range: Range): string[] {
  const values = [...new Set(points.map(({ value }) => value))].toSorted((a, b) => a - b);
  const across = scaleLog([values[0] as number, values.at(-1) as number], [field.left + 8, field.right - 8]);
  const up = scaleLog(range, [field.bottom, field.top]);
  const milliseconds = up.ticks().filter((ms) => Number.isInteger(Math.log10(ms)));
  const curves = [...new Set(points.map(lineOf))].map((line) => {
    const own = points.filter((point) => lineOf(point) === line).toSorted((a, b) => a.value - b.value);
    const path = own.map(({ value, medianMs }) => `${pixels(across(value))},${pixels(up(medianMs))}`).join(' ');
    return element('polyline', { points: path, ...stroke(own[0] as CurvePoint) });
  });
  return [
    text(field.left, field.top - 12, layer, { 'font-weight': 'bold' }),
    ...drawAxes(
      field,
      {
        label: titles[over],
        ticks: values.map((value) => ({ at: across(value), words: value.toLocaleString('en-US') })),
      },
      { label: 'milliseconds', ticks: milliseconds.map((ms) => ({ at: up(ms), words: String(ms) })) },
    ),
    ...curves,
  ];
}
