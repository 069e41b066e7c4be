/** The files of the page, read when a server starts. */
import { readFileSync } from 'node:fs';
import { invariant } from '../../../src/core/errors.ts';

export interface PageFile {
  readonly url: string;
  readonly type: string;
  readonly contents: string;
}

const files = [
  { url: '/', file: 'page.html', type: 'text/html; charset=utf-8' },
  { url: '/page.css', file: 'page.css', type: 'text/css; charset=utf-8' },
  { url: '/page.js', file: 'page.js', type: 'text/javascript; charset=utf-8' },
] as const;

/** The browser asks nobody but this server, and runs nothing but the page's own script. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
  'referrer-policy': 'no-referrer',
};

export function readPageFiles(): PageFile[] {
  return files.map(({ url, file, type }) => ({ url, type, contents: read(file) }));
}

/** In the sources the files lie beside this one; in the package they lie in dist/, where this file is part of a chunk. */
function read(file: string): string {
  for (const place of ['./', './page/', '../page/']) {
    try {
      return readFileSync(new URL(`${place}${file}`, import.meta.url), 'utf8');
    } catch {}
  }
  invariant(false, `the package has no ${file}`);
}
