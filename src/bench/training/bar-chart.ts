/** Milliseconds of a step as bars, those of a problem together, the fastest on top; the scale is logarithmic. */
import { groups } from 'd3-array';
import { scaleLog } from 'd3-scale';

import { drawing, element, headHeight, line, text } from '../../report/svg.ts';
import { filled, stroked } from '../../report/theme.ts';
import type { Machine } from '../machine.ts';
import { contenderColours } from './contender-colours.ts';
import type { TrainingRow } from './run.ts';

const width = 760;
const left = 170;
const right = 60;
const lineHeight = 16;
const groupHeight = 26;

export function drawTraining(rows: readonly TrainingRow[], { cpu, cores, node }: Machine): string {
  const problems = groups(rows, ({ shape, layer, ids }) => `${shape} · ${layer} · ids: ${ids}`);
  const medians = rows.map(({ medianMs }) => medianMs);
  const place = scaleLog([Math.min(...medians), Math.max(...medians)], [left, width - right]).nice();
  const title = 'One training step, milliseconds (logarithmic)';
  const note = `${cpu}, ${cores} cores, Node ${node}; medians`;
  const top = headHeight({ note, width }) + 22;

  const content: string[] = [];
  let y = top;
  for (const [name, group] of problems) {
    content.push(text(14, y + 16, name, { 'font-weight': 'bold' }));
    y += groupHeight;
    for (const { contender, threads, medianMs } of group.toSorted((a, b) => a.medianMs - b.medianMs)) {
      const label = `${contender}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
      content.push(
        text(left - 8, y + 11, label, { 'text-anchor': 'end' }),
        element('rect', {
          x: left,
          y: y + 2,
          width: Math.max(place(medianMs) - left, 1),
          height: lineHeight - 4,
          ...filled(contenderColours[contender]),
        }),
        text(place(medianMs) + 4, y + 11, format(medianMs)),
      );
      y += lineHeight;
    }
  }
  const height = y + 12;
  const ticks = place.ticks().filter((ms) => Number.isInteger(Math.log10(ms)));
  const grid = ticks.flatMap((ms) => [
    line(place(ms), top - 4, place(ms), height - 8, stroked('grid')),
    text(place(ms), top - 8, String(ms), { 'text-anchor': 'middle', ...filled('muted') }),
  ]);
  return drawing({ title, note, width, height, content: [...grid, ...content] });
}

function format(ms: number): string {
  return ms >= 100 ? Math.round(ms).toLocaleString('en-US') : ms.toPrecision(3);
}
