import { type Html, html } from './html.ts';

export interface Column {
  readonly head: string;
  /** `text` is set left, `theirs` in grey. Default: a number of ours. */
  readonly kind?: 'text' | 'theirs';
}

export interface HtmlTable {
  /** What the table says. */
  readonly caption: string;
  readonly columns: readonly Column[];
  /** The first cell of each names the row. */
  readonly rows: readonly (readonly (string | number | Html)[])[];
}

/** A table that can be scrolled to by keyboard where the page is narrower. */
export function htmlTable({ caption, columns, rows }: HtmlTable): Html {
  return html`
<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption>
<thead><tr>${columns.map(({ head, kind = '' }) => html`<th scope="col" class="${kind}">${head}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([name = '', ...cells]) => html`
<tr><th scope="row">${name}</th>${cells.map(
      (cell, index) => html`<td class="${columns[index + 1]?.kind ?? ''}">${cell}</td>`,
    )}</tr>`,
  )}
</tbody></table></div>`;
}
