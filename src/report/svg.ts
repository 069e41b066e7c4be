/** Elements of a chart, as text: no page, no ids, so that many charts stand on one page. */
import { escapeMarkup } from './escape-markup.ts';
import { wrapText } from './text-width.ts';
import { chartClass, filled, styleSheet } from './theme.ts';

export type Attributes = Readonly<Record<string, string | number>>;

export function element(name: string, attributes: Attributes, content: readonly string[] = []): string {
  const pairs = Object.entries(attributes).map(([key, value]) => ` ${key}="${written(value)}"`);
  return content.length === 0
    ? `<${name}${pairs.join('')}/>`
    : `<${name}${pairs.join('')}>${content.join('')}</${name}>`;
}

/** @param attributes more of them, or others than ink */
export function text(x: number, y: number, words: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...filled('ink'), ...attributes }, [escapeMarkup(words)]);
}

export function line(x1: number, y1: number, x2: number, y2: number, attributes: Attributes): string {
  return element('line', { x1, y1, x2, y2, ...attributes });
}

/** What a pointer over the element, or a screen reader, tells. */
export function tooltip(words: string): string {
  return element('title', {}, [escapeMarkup(words)]);
}

export interface Drawing {
  readonly title: string;
  /** Below the title, in as many lines as it takes. */
  readonly note?: string | undefined;
  readonly width: number;
  readonly height: number;
  readonly content: readonly string[];
}

const margin = 14;
const noteTop = 43;
const noteLine = 17;

/** Where a drawing's content may begin, below title and note. */
export function headHeight({ note, width }: Pick<Drawing, 'note' | 'width'>): number {
  return note === undefined ? 34 : noteTop + 9 + noteLine * (wrapText(note, width - 2 * margin).length - 1);
}

/** A whole file, or a part of a page. */
export function drawing({ title, note, width, height, content }: Drawing): string {
  return `${element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      class: chartClass,
      role: 'img',
      viewBox: `0 0 ${pixels(width)} ${pixels(height)}`,
      width,
      height,
      'font-family': 'system-ui, sans-serif',
      'font-size': 12,
    },
    [
      tooltip(title),
      ...(note === undefined ? [] : [element('desc', {}, [escapeMarkup(note)])]),
      element('style', {}, [styleSheet]),
      element('rect', { width, height, ...filled('paper') }),
      text(margin, 24, title, { 'font-size': 15, 'font-weight': 'bold' }),
      ...(note === undefined ? [] : wrapText(note, width - 2 * margin)).map((words, index) =>
        text(margin, noteTop + noteLine * index, words, filled('muted')),
      ),
      ...content,
    ].map((line) => `\n${line}`),
  )}\n`;
}

/** A hundredth of a pixel is enough. */
export function pixels(value: number): number {
  return Number(value.toFixed(2));
}

function written(value: string | number): string {
  return typeof value === 'number' ? String(pixels(value)) : escapeMarkup(value);
}
