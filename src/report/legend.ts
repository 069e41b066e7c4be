/** Which line is which, above the field. */

import { type Attributes, line, text } from './svg.ts';
import { textWidth } from './text-width.ts';

export interface LegendEntry {
  readonly name: string;
  readonly stroke: Attributes;
}

const lineHeight = 18;
const sample = 24;

/** From `top` down and from `left` to `right`, in as many lines as it takes. @returns where it ends, and its elements */
export function drawLegend(
  entries: readonly LegendEntry[],
  { left, right, top }: { readonly left: number; readonly right: number; readonly top: number },
): { readonly bottom: number; readonly content: readonly string[] } {
  let x = left;
  let y = top;
  const content = entries.flatMap(({ name, stroke }) => {
    const width = sample + 6 + textWidth(name) + 18;
    if (x > left && x + width > right) {
      x = left;
      y += lineHeight;
    }
    const at = x;
    x += width;
    return [line(at, y + 8, at + sample, y + 8, stroke), text(at + sample + 6, y + 12, name)];
  });
  return { bottom: entries.length ? y + lineHeight : top, content };
}
