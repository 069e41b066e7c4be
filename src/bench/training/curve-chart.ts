/** The curves as a chart: a panel for each size, both scales logarithmic, so that what grows in proportion has one slope. */
import type { Machine } from '../machine.ts';
import { colours, drawing, element, text } from '../svg.ts';
import { type AxisName, axisNames, middle } from './axes.ts';
import type { CurvePoint } from './curves.ts';

const panel = { width: 360, height: 260, left: 52, right: 16, top: 40, bottom: 34 };
const topHeight = 64;

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
        name: `${layer}: ${titles[over]}`,
        points: points.filter((point) => point.over === over && point.layer === layer),
      })),
    )
    .filter((candidate) => candidate.points.length > 0);
  const medians = points.map(({ medianMs }) => medianMs);
  const range = { least: Math.min(...medians) / 1.2, most: Math.max(...medians) * 1.2 };
  const height = topHeight + Math.ceil(panels.length / 2) * panel.height;
  const title = 'One training step, milliseconds';
  const { rows, time, inputs, units, vocabulary } = middle;
  const held = `held otherwise: ${rows} rows, ${time} steps, ${inputs} inputs, ${units} units, ${vocabulary.toLocaleString('en-US')} words`;
  return drawing(2 * panel.width, height, title, [
    text(8, 20, title, { 'font-size': 15, 'font-weight': 'bold' }),
    text(8, 36, `${cpu}, ${cores} cores, Node ${node}; medians; ${held}`, { fill: '#555', 'font-size': 11 }),
    ...legend(points),
    ...panels.map((one, index) =>
      element(
        'g',
        { transform: `translate(${(index % 2) * panel.width} ${topHeight + Math.floor(index / 2) * panel.height})` },
        [...drawPanel(one.name, one.points, range)],
      ),
    ),
  ]);
}

type Line = Pick<CurvePoint, 'contender' | 'threads'>;
const lineOf = ({ contender, threads }: Line) => `${contender}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
const stroke = ({ contender, threads }: Line) => ({
  stroke: colours[contender],
  'stroke-width': 2,
  ...(threads > 1 ? {} : { 'stroke-dasharray': '5 3' }),
});

function legend(points: readonly CurvePoint[]): string[] {
  const lines = new Map(points.map((point) => [lineOf(point), point]));
  return [...lines].flatMap(([name, line], index) => {
    const x = 8 + index * 120;
    return [
      element('line', { x1: x, y1: 50, x2: x + 22, y2: 50, ...stroke(line) }),
      text(x + 27, 54, name, { 'font-size': 11 }),
    ];
  });
}

interface Range {
  readonly least: number;
  readonly most: number;
}

function drawPanel(name: string, points: readonly CurvePoint[], range: Range): string[] {
  const values = [...new Set(points.map(({ value }) => value))].toSorted((a, b) => a - b);
  const across = scale(
    { least: values[0] as number, most: values.at(-1) as number },
    panel.left,
    panel.width - panel.right,
  );
  const up = scale(range, panel.height - panel.bottom, panel.top);
  const bottom = panel.height - panel.bottom;
  const grid = powersOfTen(range).flatMap((ms) => [
    element('line', { x1: panel.left, y1: up(ms), x2: panel.width - panel.right, y2: up(ms), stroke: '#ddd' }),
    text(panel.left - 6, up(ms) + 4, String(ms), { 'text-anchor': 'end', fill: '#555' }),
  ]);
  const ticks = values.map((value) =>
    text(across(value), bottom + 16, value.toLocaleString('en-US'), { 'text-anchor': 'middle', fill: '#555' }),
  );
  const curves = [...new Set(points.map(lineOf))].map((line) => {
    const own = points.filter((point) => lineOf(point) === line).toSorted((a, b) => a.value - b.value);
    const path = own.map(({ value, medianMs }) => `${across(value).toFixed(1)},${up(medianMs).toFixed(1)}`).join(' ');
    return element('polyline', { points: path, fill: 'none', ...stroke(own[0] as CurvePoint) });
  });
  return [text(panel.left, panel.top - 12, name, { 'font-weight': 'bold' }), ...grid, ...ticks, ...curves];
}

function scale({ least, most }: Range, from: number, to: number): (value: number) => number {
  const range = Math.log(most / least) || 1;
  return (value) => from + ((to - from) * Math.log(value / least)) / range;
}

function powersOfTen({ least, most }: Range): number[] {
  const [first, last] = [Math.ceil(Math.log10(least)), Math.floor(Math.log10(most))];
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number((10 ** (first + i)).toPrecision(1)));
}
