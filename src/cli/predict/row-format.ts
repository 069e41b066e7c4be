/** How a classified text is written. */
import type { Prediction } from '../../../runtime/predict/prediction.ts';
import { csvCell } from '../../core/csv-cell.ts';
import { excerpt, fill, printable, widestOf } from '../terminal/format.ts';
import type { TextFormat } from './texts.ts';

export interface Classified extends Prediction {
  readonly text: string;
}

export interface RowFormat {
  /** Before the first row. */
  readonly head: string;
  readonly row: (classified: Classified) => string;
  /** Between two rows. */
  readonly between: string;
  /** After the last row. */
  readonly end: string;
}

/** Fields between tabs, the text last: for a pipe. */
const tabs: RowFormat = {
  head: '',
  row: ({ label, probability, text }) => [printable(label), probability.toFixed(4), printable(text)].join('\t'),
  between: '\n',
  end: '\n',
};

const columns = ['label', 'probability', 'words', 'known_words', 'text'];

const csv: RowFormat = {
  head: `${columns.join(',')}\n`,
  row: ({ label, probability, words, knownWords, text }) =>
    [csvCell(label), probability, words, knownWords, csvCell(text)].join(','),
  between: '\n',
  end: '\n',
};

const jsonl: RowFormat = { head: '', row: (classified) => JSON.stringify(classified), between: '\n', end: '\n' };

/** Of a file, by the format of its name. */
export const fileFormats = { txt: tabs, tsv: tabs, csv, jsonl } as const satisfies Record<TextFormat, RowFormat>;

/** One JSON object with `fields` and all rows as `predictions`. */
export function jsonObject(fields: object): RowFormat {
  const head = JSON.stringify(fields).slice(0, -1);
  return { head: `${head},"predictions":[`, row: jsonl.row, between: ',', end: ']}\n' };
}

/** Columns of a terminal that is `width` wide. */
export function terminalColumns(labels: readonly string[], width: number): RowFormat {
  const longest = widestOf(labels);
  const room = Math.max(20, width - longest - 12);
  return {
    ...tabs,
    row: ({ label, probability, text, knownWords }) => {
      const shown = knownWords ? excerpt(text, room) : `${excerpt(text, room - 16)} (no known word)`;
      return `${fill(label, longest)}  ${probability.toFixed(4)}  ${shown}`;
    },
  };
}
