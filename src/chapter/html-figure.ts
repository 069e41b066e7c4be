import { escaped, type Html, html } from './html.ts';

/** A chart of `src/report` that can be scrolled to by keyboard where the page is narrower. */
export function htmlFigure(label: string, svg: string): Html {
  return html`<figure role="group" aria-label="${label}" tabindex="0">${escaped(svg)}</figure>`;
}
