import { fail } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Dataset } from '../dataset.ts';

/** What each reader is given. */
export interface ReaderContext {
  /** Path of a file or folder. */
  readonly source: string;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

/** What each reader gives. */
export type Reading = Pick<Dataset, 'labels' | 'examples' | 'notes'>;

/** @throws INTERRUPTED when `signal` has aborted */
export function checkInterruption(signal: AbortSignal | undefined): void {
  if (signal?.aborted) fail('INTERRUPTED', 'reading the data was stopped', 'Nothing was written: run it again.');
}
