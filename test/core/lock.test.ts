/** One process at a time, also where every process has the same number, as in containers. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { takeLock } from '../../src/core/lock.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recurrent-lock-'));
});
afterAll(() => rm(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

test('is refused while it is held, by whatever name, and free afterwards', async () => {
  const unlock = await takeLock(at('held'), 'the run');
  expect(await readFile(at('held'), 'utf8')).toBe(String(process.pid));
  for (const path of [at('held'), relative(process.cwd(), at('held'))]) {
    await expect(takeLock(path, 'the run')).rejects.toMatchObject({
      code: 'RUN_LOCKED',
      message: `the run is being written by process ${process.pid}`,
    });
  }
  await unlock();
  expect(existsSync(at('held'))).toBe(false);
  await (await takeLock(at('held'), 'the run'))();
});

test('that another process holds is refused', async () => {
  await writeFile(at('other'), String(process.ppid));
  await expect(takeLock(at('other'), 'the run')).rejects.toMatchObject({ code: 'RUN_LOCKED' });
});

test.each([
  ['a process that is gone', () => spawnSync(process.execPath, ['--version']).pid],
  ['one of the same number before this one', () => process.pid],
  ['one that was killed before it had written it', () => ''],
])('of %s is taken over', async (_, owner) => {
  await writeFile(at('left'), String(owner()));
  const unlock = await takeLock(at('left'), 'the run');
  expect(await readFile(at('left'), 'utf8')).toBe(String(process.pid));
  await unlock();
});
