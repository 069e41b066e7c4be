/** One process at a time, also where every process has the same number, as in containers. */
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { takeLock } from '../../src/core/lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'lock-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, '.lock');

/** A lock that somebody left. @param age in seconds */
function leave(contents: string, age = 0): void {
  writeFileSync(path, contents);
  const made = Date.now() / 1000 - age;
  utimesSync(path, made, made);
}

const refused = (owner: string) => ({
  code: 'RUN_LOCKED',
  message: `the run is being written by ${owner}`,
  hint: expect.stringContaining(path),
});

it('is held until it is given free', async () => {
  const unlock = await takeLock(path, 'the run');
  expect(readFileSync(path, 'utf8')).toBe(`${process.pid} ${hostname()}`);
  await expect(takeLock(path, 'the run')).rejects.toMatchObject(refused(`process ${process.pid}`));
  await expect(takeLock(relative('.', path), 'the run')).rejects.toMatchObject({ code: 'RUN_LOCKED' });
  await unlock();
  expect(existsSync(path)).toBe(false);
  await (await takeLock(path, 'the run'))();
});

it.each([
  ['a process that lives', `${process.ppid} ${hostname()}`, 0, `process ${process.ppid}`],
  ['a process of another host, which nobody can ask', '1 elsewhere', 1e6, 'process 1 of elsewhere'],
  ['somebody who has not written a name yet', '', -60, 'another process'],
])('stays with %s', async (_, contents, age, owner) => {
  leave(contents, age);
  await expect(takeLock(path, 'the run')).rejects.toMatchObject(refused(owner));
  expect(readFileSync(path, 'utf8')).toBe(contents);
});

it.each([
  ['a process that is gone', `${2 ** 22 + 1} ${hostname()}`, 0], // above the system's largest process id
  ['an earlier process of the same id, as in a container that was started again', `${process.pid} ${hostname()}`, 1e6],
  ['one that died before it wrote its name', '', 10],
])('is taken over from %s', async (_, contents, age) => {
  leave(contents, age);
  const unlock = await takeLock(path, 'the run');
  expect(readFileSync(path, 'utf8')).toBe(`${process.pid} ${hostname()}`);
  await unlock();
});
