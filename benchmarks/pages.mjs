/** What benchmarks write into the pages of docs/. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** @param {readonly (readonly unknown[])[]} lines the first is the head */
export function markdownTable([head = [], ...lines]) {
  const row = (cells) => `| ${cells.join(' | ')} |`;
  return [row(head), `|${head.map(() => '---').join('|')}|`, ...lines.map(row)].join('\n');
}

/**
 * Replaces what stands between the marks `<!-- name -->` and `<!-- /name -->` of a page.
 *
 * @param {string} page of docs/
 * @param {Record<string, string>} sections by the names of their marks
 */
export function writeSections(page, sections) {
  const file = fileURLToPath(new URL(`../docs/${page}`, import.meta.url));
  let text = readFileSync(file, 'utf8');
  for (const [name, content] of Object.entries(sections)) {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`docs/${page} has no mark ${begin}`);
    text = `${text.slice(0, from + begin.length)}\n${content}\n${text.slice(to)}`;
  }
  writeFileSync(file, text);
}
