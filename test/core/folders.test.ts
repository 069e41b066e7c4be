import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeFolder } from '../../src/core/folders.ts';

let root: string;
let path: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'recurrent-folders-'));
  path = join(root, 'deep/made');
});
afterEach(() => rm(root, { recursive: true, force: true }));

const marker = 'mark.json';
const files = { [marker]: '{}', 'a/b.txt': 'text', 'a/c.bin': Uint8Array.of(1, 2, 3) };
const write = (contents: Readonly<Record<string, string | Uint8Array>>, replace = false) =>
  writeFolder(path, contents, { replace, marker });
const codeOf = (work: Promise<void>) =>
  work.then(
    () => 'done',
    ({ code }: { code: string }) => code,
  );
const listed = async () => (await readdir(root, { recursive: true })).sort();

it('writes a folder with all that is in it', async () => {
  await write(files);
  expect(await listed()).toEqual([
    'deep',
    'deep/made',
    'deep/made/a',
    'deep/made/a/b.txt',
    'deep/made/a/c.bin',
    'deep/made/mark.json',
  ]);
  expect([...(await readFile(join(path, 'a/c.bin')))]).toEqual([1, 2, 3]);
});

it('takes the place of an empty folder', async () => {
  await mkdir(path, { recursive: true });
  await write(files);
  expect(await readFile(join(path, 'a/b.txt'), 'utf8')).toBe('text');
});

it('refuses a folder that holds something, and leaves it as it was', async () => {
  await write(files);
  expect(await codeOf(write({ [marker]: 'new' }))).toBe('FOLDER_EXISTS');
  expect(await readFile(join(path, marker), 'utf8')).toBe('{}');
});

it('replaces a folder of its kind whole: nothing of the old one stays', async () => {
  await write(files);
  await write({ [marker]: 'new', 'd.txt': 'd' }, true);
  expect((await readdir(path, { recursive: true })).sort()).toEqual(['d.txt', marker]);
  expect(await readdir(join(root, 'deep'))).toEqual(['made']);
});

it('names a file that cannot be written by its place in the folder', async () => {
  const name = `a/${'x'.repeat(300)}`;
  await expect(write({ [marker]: '{}', [name]: 'text' })).rejects.toMatchObject({
    code: 'FILE_ACCESS',
    message: expect.stringMatching(`^cannot write ${join(path, name)}: ENAMETOOLONG`),
  });
  expect(await listed()).toEqual(['deep']);
});

it('never replaces what is not of its kind', async () => {
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'thesis.txt'), 'years of work');
  expect(await codeOf(write(files, true))).toBe('FOLDER_EXISTS');
  expect(await readdir(path)).toEqual(['thesis.txt']);
  await rm(path, { recursive: true });
  await writeFile(path, 'a file');
  expect(await codeOf(write(files, true))).toBe('FOLDER_EXISTS');
  expect(await readFile(path, 'utf8')).toBe('a file');
});

it('leaves nothing behind when a file cannot be written', async () => {
  await write(files);
  // A file where a folder must be: the second write fails in the middle.
  expect(await codeOf(write({ x: '1', 'x/y': '2', [marker]: '' }, true))).toBe('FILE_ACCESS');
  expect(await readdir(join(root, 'deep'))).toEqual(['made']);
  expect(await readFile(join(path, 'a/b.txt'), 'utf8')).toBe('text');
});

it('tells of a place where it may not write', async (context) => {
  if (process.getuid?.() === 0) context.skip('root may write everywhere');
  await chmod(root, 0o500);
  expect(await codeOf(write(files))).toBe('FILE_ACCESS');
  await chmod(root, 0o700);
});
