/** What lies in a folder beside models. */
import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findModels } from '../../../runtime/serving/find-models.ts';
import { mailModel, modelFolder } from '../../support/serving.ts';

let folder: string;
beforeAll(async () => {
  folder = await modelFolder({ 'mail.onnx': mailModel });
  await chmod(folder, 0o755);
});
afterAll(() => rm(folder, { recursive: true }));

/** Root may read everything: then as `nobody`. */
async function find(): Promise<string[]> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    return (await findModels(folder)).map(({ name }) => name);
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

const reason = process.platform === 'win32' ? 'Windows has no modes' : undefined;
if (reason) console.log(`skipped: folders that nobody may read: ${reason}`);

it.skipIf(reason)('`lost+found` of a volume, which only root may read, is in nobody’s way', async () => {
  await mkdir(join(folder, 'lost+found'), { mode: 0 });
  expect(await find()).toEqual(['mail']);
});

it.skipIf(reason)('a folder that may be a model and cannot be read is told', async () => {
  await mkdir(join(folder, 'topics'), { mode: 0 });
  await expect(find()).rejects.toMatchObject({ code: 'FILE_ACCESS', message: expect.stringContaining('topics') });
});
