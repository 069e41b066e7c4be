import { fail } from '../core/errors.ts';
import { assemble } from './assemble.ts';
import type { Dataset } from './dataset.ts';
import { checkExamples, type LabelledText } from './readers/reader.ts';

/** A text with the name of its class. */
export interface LabelledRow {
  /** Any text. */
  readonly text: string;
  /** Of its class; numbers and booleans as JavaScript writes them. */
  readonly label: string | number | boolean;
}

/**
 * A data set of texts that a program has at hand, such as the rows of a database. The same rows in the same order are
 * the same data set. Classes are numbered by the order of their names.
 *
 * @param source what the model and messages call these texts
 * @throws DATA_INVALID, DATA_LABELS naming the row
 */
export function createDataset(rows: Iterable<LabelledRow>, source = 'rows'): Dataset {
  const texts: LabelledText[] = [];
  for (const row of rows) {
    texts.push(readRow(row, texts.length + 1, source));
    checkExamples(texts.length, source);
  }
  return assemble(source, { texts, notes: [] });
}

function readRow(row: LabelledRow, number: number, source: string): LabelledText {
  const place = `${source}, row ${number}`;
  const { text, label } = (row ?? {}) as Partial<LabelledRow>;
  if (typeof text !== 'string' || /\p{Surrogate}/u.test(text)) {
    return fail(
      'DATA_INVALID',
      `${place}: the text is no string of whole characters`,
      'Give { text, label } for each row.',
    );
  }
  if (typeof label !== 'string' && typeof label !== 'number' && typeof label !== 'boolean') {
    return fail(
      'DATA_LABELS',
      `${place}: the label is no string, number or boolean`,
      'Give { text, label } for each row.',
    );
  }
  if (String(label).trim() === '') fail('DATA_LABELS', `${place}: the label is empty`, 'Give every text a label.');
  return { id: `row-${number}`, text, label: String(label) };
}
