/** Every relative link of the documentation leads to a file, and to a heading of it where it names one. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';

const pages = execFileSync('git', ['ls-files', '*.md'], { encoding: 'utf8' }).trim().split('\n');
const proseOf = (page: string) => readFileSync(page, 'utf8').replaceAll(/^```.*?^```/gms, '');

/** As GitHub makes them of headings: lower case, without punctuation, hyphens for spaces; numbered where they repeat. */
function anchorsOf(page: string): readonly string[] {
  const slugs = [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}_\- ]/gu, '')
      .replaceAll(' ', '-'),
  );
  return slugs.map((slug, at) => {
    const before = slugs.slice(0, at).filter((other) => other === slug).length;
    return before ? `${slug}-${before}` : slug;
  });
}

test.each(pages)('%s', (page) => {
  const broken = [...proseOf(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => {
      const [path, anchor] = link.split('#');
      const target = path ? normalize(join(dirname(page), path)) : page;
      return !existsSync(target) || (anchor !== undefined && !anchorsOf(target).includes(decodeURI(anchor)));
    });
  expect(broken).toEqual([]);
});
