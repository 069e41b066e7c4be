/** How many examples of each class were taken for which: each row shaded by its shares. */
import { drawing, element, headHeight, text, tooltip } from './svg.ts';
import { fitText, textWidth } from './text-width.ts';
import { filled, stroked } from './theme.ts';

/** Of which class texts are, and for which they were taken. */
export interface ConfusionChart {
  /** Above the chart. */
  readonly title: string;
  /** Below the title. */
  readonly note?: string | undefined;
  /** Names of the classes by index. */
  readonly labels: readonly string[];
  /** counts[i][j]: examples of class i that were taken for class j. */
  readonly counts: readonly (readonly number[])[];
}

const widest = 130; // pixels of a label
const smallestWithText = 26; // pixels of a cell
const smallestWithShare = 56;
/** From this share on, words in the colour of paper stand out better than those in ink: in light and in dark. */
export const paperFrom = 0.68;

/** Draws a confusion matrix, shaded by the share of the class. @returns an `<svg>` for a file or a page */
export function confusionChart({ title, note, labels, counts }: ConfusionChart): string {
  const cell = Math.max(16, Math.min(96, 520 / Math.max(labels.length, 1)));
  const rowLabels = labels.map((label) => fitText(label, widest));
  const columnLabels = labels.map((label) => fitText(label, widest));
  const longest = Math.max(0, ...rowLabels.map((label) => textWidth(label)));
  const slanted = longest > cell - 6;
  const left = 44 + longest;
  const side = cell * labels.length;
  const width = Math.max(left + side + (slanted ? longest * 0.71 : 0) + 20, 320, textWidth(title, 16) + 28);
  const head = headHeight({ note, width });
  const top = head + 24 + (slanted ? longest * 0.71 + 10 : 20);
  const place = (index: number) => (index + 0.5) * cell;

  return drawing({
    title,
    note,
    width,
    height: top + side + 20,
    content: [
      text(left + side / 2, head + 14, 'taken for', { 'text-anchor': 'middle' }),
      text(0, 0, 'true', {
        'text-anchor': 'middle',
        transform: `translate(20 ${(top + side / 2).toFixed(2)}) rotate(-90)`,
      }),
      ...rowLabels.map((label, row) =>
        text(left - 8, top + place(row) + 4, label, { 'text-anchor': 'end', ...filled('muted') }),
      ),
      ...columnLabels.map((label, column) =>
        slanted
          ? text(0, 0, label, {
              ...filled('muted'),
              transform: `translate(${(left + place(column) + 4).toFixed(2)} ${(top - 8).toFixed(2)}) rotate(-45)`,
            })
          : text(left + place(column), top - 8, label, { 'text-anchor': 'middle', ...filled('muted') }),
      ),
      ...counts.flatMap((row, truth) => {
        const all = row.reduce((sum, count) => sum + count, 0);
        return row.map((count, taken) =>
          drawCell(left + taken * cell, top + truth * cell, cell, count, all === 0 ? 0 : count / all, [
            labels[truth] ?? '',
            labels[taken] ?? '',
          ]),
        );
      }),
    ],
  });
}

function drawCell(
  x: number,
  y: number,
  cell: number,
  count: number,
  share: number,
  [truth, taken]: readonly [string, string],
): string {
  const number = count.toLocaleString('en-US');
  const percent = `${(100 * share).toFixed(1)} %`;
  const words = filled(share > paperFrom ? 'paper' : 'ink');
  const centre = { 'text-anchor': 'middle', ...words };
  const size = Math.min(15, cell / 3, (15 * (cell - 6)) / textWidth(number, 15));
  const middle = x + cell / 2;
  const both = cell >= smallestWithShare;
  const square = { x: x + 0.5, y: y + 0.5, width: cell - 1, height: cell - 1 };
  return element('g', {}, [
    tooltip(`${truth} taken for ${taken}: ${number} (${percent})`),
    element('rect', { ...square, ...filled('heat'), 'fill-opacity': share }),
    element('rect', { ...square, ...stroked('grid') }),
    ...(cell >= smallestWithText
      ? [
          text(middle, y + cell / 2 + (both ? -2 : size / 3), number, {
            ...centre,
            'font-size': size,
            'font-weight': 'bold',
          }),
        ]
      : []),
    ...(both ? [text(middle, y + cell / 2 + 16, percent, { ...centre, 'font-size': 11 })] : []),
  ]);
}
