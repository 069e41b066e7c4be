/** The file of results at its edges: runs that end early, a disk that becomes full. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { exportOnnx } from '../../../exporters/export.ts';
import { fileSink } from '../../../src/cli/predict/sink.ts';
import { modelOf } from '../../support/trained-model.ts';
import { outcomeOf, refusalHere, startCli, useCli } from '../run-cli.ts';

const place = useCli();
const at = (name: string) => join(place.folder, name);
const about = { model: 'a' };
const taken = () => ({ rows: 1, digest: '' });
/** One segment, which is made durable at once. */
const segment = 'x'.repeat(2 ** 22);

beforeAll(async () => {
  const layers = [
    { type: 'embedding', inputDim: 30, outputDim: 2, maskZero: true },
    { type: 'simpleRnn', units: 2 },
    { type: 'dense', units: 2, activation: 'softmax' },
  ] as const;
  await writeFile(at('model.onnx'), exportOnnx(modelOf([...layers])));
});

describe('a run', () => {
  it('that ended before it had a row is in nobody’s way', async () => {
    const failed = await fileSink(at('empty.csv'), { resume: false, about });
    await failed.close(); // its texts were damaged, say
    expect(readdirSync(place.folder).filter((name) => name.startsWith('empty'))).toEqual(['empty.csv.partial']);
    const next = await fileSink(at('empty.csv'), { resume: false, about });
    await next.finish('rows\n');
    await next.close();
    expect(readFileSync(at('empty.csv'), 'utf8')).toBe('rows\n');
  });

  it('that ended with rows is', async () => {
    const stopped = await fileSink(at('some.csv'), { resume: false, about });
    await stopped.write(segment, taken);
    await stopped.close();
    await expect(fileSink(at('some.csv'), { resume: false, about })).rejects.toMatchObject({ code: 'RUN_EXISTS' });
    expect(existsSync(at('some.csv.lock'))).toBe(false);
  });

  it('that is complete cannot be resumed, and says that it is', async () => {
    const complete = await fileSink(at('done.csv'), { resume: false, about });
    await complete.finish('rows\n');
    await complete.close();
    await expect(fileSink(at('done.csv'), { resume: true, about })).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
      message: expect.stringMatching(/done\.csv is complete$/),
    });
    await expect(fileSink(at('none.csv'), { resume: true, about })).rejects.toMatchObject({
      message: expect.stringMatching(/none\.csv\.partial to go on with$/),
    });
  });

  it('whose notes outlived it does not disturb the next', async () => {
    await writeFile(at('noted.csv.progress'), JSON.stringify({ version: 1, about, rows: 9, digest: '', bytes: 9 }));
    const next = await fileSink(at('noted.csv'), { resume: false, about });
    expect(next.done.rows).toBe(0);
    await next.finish('rows\n');
    await next.close();
    expect(readdirSync(place.folder).filter((name) => name.startsWith('noted'))).toEqual(['noted.csv']);
  });
});

const noLimit = process.platform === 'win32' ? 'a limit on files needs ulimit' : undefined;
if (noLimit) console.log(`skipped: ${noLimit}`);

it.skipIf(noLimit)('a disk that takes a part of the results only is an error, not a shorter file', async () => {
  await writeFile(at('many.txt'), 'w1 w2 and more that the model does not know\n'.repeat(3000));
  const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
  const args = ['predict', at('model.onnx'), '--provider', 'cpu', '--file', at('many.txt'), '--out', at('cut.txt')];
  // 64 KiB: ulimit counts blocks of 512 or 1024 bytes
  const limited = ['-c', 'ulimit -f 64; exec "$@"', 'sh', process.execPath, main, ...args, '--json'];
  const { status, stdout, stderr } = spawnSync('sh', limited, { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '').error).toMatchObject({ code: 'FILE_ACCESS' });
  expect(existsSync(at('cut.txt'))).toBe(false);
});

it('results do not go into the file of the texts', async () => {
  const args = ['predict', at('model.onnx'), '--file', at('texts.csv'), '--out', `${place.folder}/./texts.csv`];
  expect((await refusalHere(args)).code).toBe('OPTION_INVALID');
});

it('Ctrl-C is heard while standard input says nothing', async () => {
  const child = startCli(['predict', at('model.onnx'), '--provider', 'cpu', '--out', at('idle.txt'), '--json']);
  const outcome = outcomeOf(child);
  child.stdin.write('w1 w2\n');
  while (!existsSync(at('idle.txt.partial'))) await delay(5);
  await delay(100);
  child.kill('SIGINT');
  const { status, stderr } = await outcome; // standard input stays open: one that waits for it never ends
  expect(status).toBe(130);
  expect(JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '').error).toMatchObject({ code: 'INTERRUPTED' });
  expect(existsSync(at('idle.txt.lock'))).toBe(false);
});
