/** Lines down a field at places of note, their labels on top. Where labels, or a label and a line, would touch, the one on the left goes a row higher. */
import type { Field } from './axes.ts';
import { line, text } from './svg.ts';
import { textWidth } from './text-width.ts';
import { filled, stroked } from './theme.ts';

/** A line at a place of note. */
export interface Mark {
  /** Where it stands. */
  readonly x: number;
  /** Beside it. */
  readonly label: string;
}

export interface PlacedMark {
  readonly at: number;
  readonly label: string;
  /** Begins at the line, or ends there where the right is too near. */
  readonly anchor: 'start' | 'end';
  /** From below, from 0. */
  readonly row: number;
}

const rowHeight = 15;

export function placeMarks(marks: readonly Mark[], scale: (x: number) => number, right: number): PlacedMark[] {
  const placed: (PlacedMark & { readonly begin: number; readonly end: number })[] = [];
  for (const { at, label } of marks.map(({ x, label }) => ({ at: scale(x), label })).sort((a, b) => b.at - a.at)) {
    const width = textWidth(label) + 8;
    const anchor = at + width <= right ? 'start' : 'end';
    const begin = anchor === 'start' ? at : at - width;
    const end = begin + width;
    const below = placed.filter((other) => other.begin < end && begin < other.end);
    placed.push({ at, label, anchor, begin, end, row: Math.max(0, ...below.map(({ row }) => row + 1)) });
  }
  return placed;
}

/** Room above a field. */
export function marksHeight(marks: readonly PlacedMark[]): number {
  return 9 + rowHeight * Math.max(0, ...marks.map(({ row }) => row + 1));
}

export function drawMarks(marks: readonly PlacedMark[], { top, bottom }: Field): string[] {
  return marks.flatMap(({ at, label, anchor, row }) => {
    const base = top - 4 - row * rowHeight;
    return [
      line(at, base - 9, at, bottom, { ...stroked('muted'), 'stroke-dasharray': '2 3' }),
      text(anchor === 'start' ? at + 4 : at - 4, base, label, { ...filled('muted'), 'text-anchor': anchor }),
    ];
  });
}
