import { formatBytes } from '../../core/format-bytes.ts';
import { formatCount, formatShare } from '../../core/format-numbers.ts';
import { histogram } from '../../report/histogram.ts';
import { authorsFacts } from '../authors.ts';
import type { ChapterResults } from '../chapter.ts';
import { printedIds } from '../facts.ts';
import { type Html, html } from '../html.ts';
import { htmlFigure } from '../html-figure.ts';
import { htmlTable } from '../html-table.ts';

export function dataSection({ facts }: ChapterResults): Html {
  const { lengths, memory, parts, labels } = facts;
  const fact = (name: string, ours: string, theirs = '—') => [name, ours, theirs];
  return html`
<p>${formatCount(parts.reduce((sum, { texts }) => sum + texts, 0))} reviews with the parts, words and ids of <code>${facts.recipe}</code>; validation is a fifth of the training part, as <code>train_test_split(test_size=0.2, random_state=42)</code> takes it.</p>
${htmlTable({
  caption: 'Texts of each part and label',
  columns: [{ head: 'part', kind: 'text' }, { head: 'texts' }, ...labels.map((label) => ({ head: label }))],
  rows: parts.map(({ name, texts, counts }) => [name, formatCount(texts), ...counts.map(formatCount)]),
})}
${htmlTable({
  caption: 'What the chapter looks at first',
  columns: [{ head: 'fact', kind: 'text' }, { head: 'here' }, { head: 'authors', kind: 'theirs' }],
  rows: [
    fact('lengths of the first two reviews', facts.firstLengths.join(', '), authorsFacts.firstLengths.join(', ')),
    fact('first 20 labels', facts.firstLabels.join(' '), authorsFacts.firstLabels.join(' ')),
    fact('mean length, training part', String(lengths.mean), String(authorsFacts.meanLength)),
    fact('median length, training part', String(lengths.median), String(authorsFacts.medianLength)),
    fact('shortest, longest', `${formatCount(lengths.min)}, ${formatCount(lengths.max)}`),
    fact(`longer than ${memory.time}, so cut at the front`, formatShare(lengths.truncated)),
    fact('words that the recipe numbers', formatCount(facts.words)),
  ],
})}
<p>The most frequent words: ${facts.mostFrequent.map((word, index) => html`${index ? ', ' : ''}<q>${word}</q>`)}.</p>
${htmlFigure(
  'Lengths of the reviews',
  histogram({
    title: 'Lengths of the reviews',
    note: 'training part, in ids before padding',
    xLabel: 'ids',
    yLabel: 'reviews',
    values: facts.lengthCounts.flatMap(([length, texts]) => Array<number>(texts).fill(length)),
    marks: [
      { x: memory.time, label: `read: ${memory.time}` },
      { x: lengths.median, label: `median: ${lengths.median}` },
    ],
    width: 760,
  }),
)}
<h3>How a review becomes ids</h3>
<p>The first review begins</p>
<blockquote>${facts.firstText}…</blockquote>
<p>and, with ${printedIds} ids (1 begins a text, 2 stands for every other word):</p>
<pre class="ids">${facts.firstIds.join(' ')} …</pre>
${facts.sequences.map(
  ({ row, ids }) => html`
<p>Row ${row} of the training part as a model with ${printedIds} ids reads it, ${ids[0] === 0 ? 'padded' : 'cut'} at the front to ${memory.time}:</p>
<pre class="ids">${ids.join(' ')}</pre>`,
)}
<h3>Memory of ids against one-hot</h3>
${htmlTable({
  caption: `The training part as a model reads it: ${formatCount(memory.rows)} rows of ${memory.time} steps`,
  columns: [{ head: 'form', kind: 'text' }, { head: 'memory' }, { head: 'authors', kind: 'theirs' }],
  rows: [
    ['ids, int32', formatBytes(memory.ids), `${authorsFacts.idsMegabytes} MB (of 2²⁰ bytes)`],
    [
      `one-hot of ${memory.depth}, float64`,
      formatBytes(memory.oneHot),
      `about ${authorsFacts.oneHotGigabytes} GB (of 2³⁰ bytes)`,
    ],
  ],
})}
<p>A one-hot vector times a matrix is a row of the matrix, so the one-hot layer looks rows up by their ids and never makes the vectors: ${formatBytes(memory.oneHot - memory.ids)} saved.</p>`;
}
