/** From what a reader read to a data set. */
import { fail } from '../core/errors.ts';
import type { Dataset } from './dataset.ts';
import { limits, type Reading } from './readers/reader.ts';

/** Numbers the classes and checks what all sources have in common. @throws DATA_INVALID, DATA_LABELS */
export function assemble(source: string, { texts, notes, recipe }: Reading): Dataset {
  if (texts.length === 0) fail('DATA_INVALID', `${source} holds no examples`, 'Name a source with examples.');
  const labels = [...new Set(texts.map(({ label }) => label))].sort();
  if (labels.length === 1) {
    fail(
      'DATA_LABELS',
      `every example of ${source} has the label "${labels[0]}"`,
      'Give examples of two or more classes.',
    );
  }
  if (labels.length > limits.classes) {
    fail(
      'DATA_LABELS',
      `${source} has ${labels.length} different labels, such as "${labels[0]}"`,
      'Name the column that holds the class.',
    );
  }
  const empty = texts.filter(({ text }) => text.trim() === '').length;
  if (empty === texts.length)
    fail('DATA_INVALID', `every text of ${source} is empty`, 'Name a source, or a column, that holds texts.');
  const numbers = new Map(labels.map((label, index) => [label, index]));
  return {
    source,
    labels,
    examples: texts.map((text) => ({ ...text, label: numbers.get(text.label) as number })),
    notes: [...notes, ...(empty ? [`${empty} of ${texts.length} texts are empty`] : []), ...lookalikes(labels)],
    ...(recipe && { recipe }),
  };
}

/** Classes that are most likely one, mistyped. */
function lookalikes(labels: readonly string[]): string[] {
  const spelt = new Map<string, string[]>();
  for (const label of labels) {
    const form = label.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase();
    spelt.set(form, [...(spelt.get(form) ?? []), label]);
  }
  return [...spelt.values()]
    .filter(({ length }) => length > 1)
    .map(
      (same) => `${same.map((label) => JSON.stringify(label)).join(' and ')} are classes of their own, but look alike`,
    );
}
