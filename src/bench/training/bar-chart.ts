/** Milliseconds of a step as bars, those of a problem together, the fastest on top; the scale is logarithmic. */
import type { Machine } from '../machine.ts';
import { colours, drawing, element, text } from '../svg.ts';
import type { TrainingRow } from './run.ts';

const width = 760;
const left = 170;
const right = 60;
const lineHeight = 16;
const headHeight = 26;
const topHeight = 56;

export function drawTraining(rows: readonly TrainingRow[], { cpu, cores, node }: Machine): string {
  const problems = new Map<string, TrainingRow[]>();
  for (const row of rows) {
    const name = `${row.shape} · ${row.layer} · ids: ${row.ids}`;
    problems.set(name, [...(problems.get(name) ?? []), row]);
  }
  const medians = rows.map(({ medianMs }) => medianMs);
  const least = 10 ** Math.floor(Math.log10(Math.min(...medians)));
  const most = 10 ** Math.ceil(Math.log10(Math.max(...medians)));
  const place = (ms: number) => left + ((width - left - right) * Math.log(ms / least)) / Math.log(most / least);

  const content: string[] = [];
  let y = topHeight;
  for (const [name, group] of problems) {
    content.push(text(8, y + 16, name, { 'font-weight': 'bold' }));
    y += headHeight;
    for (const { contender, threads, medianMs } of group.toSorted((a, b) => a.medianMs - b.medianMs)) {
      const label = `${contender}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
      content.push(
        text(left - 8, y + 11, label, { 'text-anchor': 'end' }),
        element('rect', {
          x: left,
          y: y + 2,
          width: Math.max(place(medianMs) - left, 1),
          height: lineHeight - 4,
          fill: colours[contender],
        }),
        text(place(medianMs) + 4, y + 11, format(medianMs)),
      );
      y += lineHeight;
    }
  }
  const height = y + 12;
  const lines: string[] = [];
  for (let ms = least; ms <= most; ms *= 10) {
    const x = place(ms);
    lines.push(element('line', { x1: x, y1: topHeight - 4, x2: x, y2: height - 8, stroke: '#ddd' }));
    lines.push(text(x, topHeight - 8, String(Number(ms.toPrecision(1))), { 'text-anchor': 'middle', fill: '#555' }));
  }
  const title = 'One training step, milliseconds (logarithmic)';
  const note = `${cpu}, ${cores} cores, Node ${node}; medians`;
  return drawing(width, height, title, [
    ...lines,
    text(8, 20, title, { 'font-size': 15, 'font-weight': 'bold' }),
    text(8, 36, note, { fill: '#555' }),
    ...content,
  ]);
}

function format(ms: number): string {
  return ms >= 100 ? Math.round(ms).toLocaleString('en-US') : ms.toPrecision(3);
}
