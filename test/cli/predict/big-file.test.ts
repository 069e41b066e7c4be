/**
 * Files through `recurrent predict --out`: killed for real and resumed, the bytes are those of a run that was left alone.
 * A million texts, their memory, and a packed file that is ended by SIGTERM: test/long/predict-file.long.ts.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { exportOnnx } from '../../../exporters/export.ts';
import { modelOf } from '../../support/trained-model.ts';
import { cli, cliJson, cliRefusal, type Outcome, outcomeOf, startCli, useCli } from '../run-cli.ts';

const place = useCli();
const at = (name: string) => join(place.folder, name);

const count = 6000;
/** Of all lengths, each with a word of 1,600 letters: the file of results has several segments. */
const texts = Array.from({ length: count }, (_, row) => {
  const words = Array.from({ length: 1 + ((row * 7919) % 23) }, (_, word) => `w${(row * 31 + word * 17) % 40}`);
  return `${row}, "${words.join(' ')} ${'long'.repeat(400)}"`;
});

beforeAll(async () => {
  const layers = [
    { type: 'embedding', inputDim: 30, outputDim: 8, maskZero: true },
    { type: 'simpleRnn', units: 24 }, // whose numbers depend on their batch
    { type: 'dense', units: 2, activation: 'softmax' },
  ] as const;
  const model = modelOf([...layers]);
  await writeFile(at('model.onnx'), exportOnnx({ ...model, preprocessing: { ...model.preprocessing, maxLength: 20 } }));
  await writeFile(at('other.onnx'), exportOnnx(modelOf([...layers])));
  await writeFile(at('texts.jsonl'), texts.map((text) => JSON.stringify({ text, id: text.length })).join('\n'));
  await writeFile(at('texts.jsonl.gz'), gzipSync(readFileSync(at('texts.jsonl'))));
  const cells = texts.map((text) => `"${text.replaceAll('"', '""')}"`);
  await writeFile(at('texts.csv'), `text\n${cells.join('\n')}\n`);
  await writeFile(at('texts.txt'), texts.join('\n'));
});

const run = (input: string, out: string, ...more: string[]) => [
  ...['predict', at('model.onnx'), '--provider', 'cpu', '--threads', '1', '--file', at(input), '--out', at(out)],
  ...more,
];

/** A run that ends itself by a signal once there is a file: `.progress` when its first segment is on the disk. */
const ending = (args: readonly string[], signal: NodeJS.Signals, once: string): Promise<Outcome> =>
  cli(args, { env: { NODE_OPTIONS: `--import ${endItself}`, END_ONCE: at(once), END_BY: signal } });
const endItself = new URL('../end-itself.mjs', import.meta.url).href;

describe('a file of results', () => {
  it.each([
    ['texts.jsonl.gz', 'whole.jsonl'],
    ['texts.csv', 'whole.csv'],
    ['texts.txt', 'whole.txt'],
  ])('from %s to %s has all rows in order', async (input, out) => {
    const answer = await cliJson(run(input, out));
    expect(answer).toMatchObject({ texts: count, classified: count, out: at(out), labels: ['class 0', 'class 1'] });
    const counts = answer.counts as Record<string, number>;
    expect(Object.values(counts).reduce((sum, each) => sum + each)).toBe(count);
    const contents = readFileSync(at(out), 'utf8');
    if (out.endsWith('.jsonl')) {
      const rows = contents
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { text: string; label: string });
      expect(rows.map(({ text }) => text)).toEqual(texts);
      expect(rows.filter(({ label }) => label === 'class 0')).toHaveLength(counts['class 0'] ?? 0);
    } else if (out.endsWith('.csv')) {
      const [head, ...rows] = contents.trimEnd().split('\n');
      expect(head).toBe('label,probability,words,known_words,text');
      expect(rows.map((row) => /^class [01],0\.\d+(?:e-\d)?,\d+,\d+,"(\d+), "".*"""$/.exec(row)?.[1])).toEqual(
        texts.map((_, row) => String(row)),
      );
    } else {
      expect(
        contents
          .trimEnd()
          .split('\n')
          .map((line) => line.split('\t')[2]),
      ).toEqual(texts);
    }
    expect(readdirSync(place.folder).filter((name) => name.startsWith(`${out}.`))).toEqual([]);
  });

  it('is the same whatever form its texts come in, packed or not', async () => {
    await cliJson(run('texts.txt', 'packed.jsonl.gz'));
    expect(gunzipSync(readFileSync(at('packed.jsonl.gz'))).equals(readFileSync(at('whole.jsonl')))).toBe(true);
  });
});

describe('a run that is interrupted', () => {
  it('by SIGKILL goes on to the same bytes', async () => {
    const out = 'killed.jsonl';
    expect((await ending(run('texts.jsonl.gz', out), 'SIGKILL', `${out}.progress`)).status).toBe(null);
    expect(existsSync(at(out))).toBe(false);
    const { rows } = JSON.parse(readFileSync(at(`${out}.progress`), 'utf8')) as { rows: number };
    expect(rows).toBeGreaterThan(0);

    // killed once more, while it looks for the place to go on
    const again = await ending(run('texts.jsonl.gz', out, '--resume'), 'SIGKILL', `${out}.lock`);
    expect(again.status).toBe(null);

    const resumed = await cliJson(run('texts.jsonl.gz', out, '--resume'));
    expect(resumed).toMatchObject({ texts: count });
    expect(resumed.classified as number).toBeLessThanOrEqual(count - rows);
    expect(readFileSync(at(out)).equals(readFileSync(at('whole.jsonl')))).toBe(true);
    expect(readdirSync(place.folder).filter((name) => name.startsWith(`${out}.`))).toEqual([]);
  });

  it('says how to go on', async () => {
    const args = run('texts.jsonl.gz', 'told.jsonl', '--json');
    const { status, stdout, stderr } = await ending(args, 'SIGINT', 'told.jsonl.progress');
    expect({ status, stdout }).toEqual({ status: 130, stdout: '' });
    expect(JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '').error).toMatchObject({
      code: 'INTERRUPTED',
      hint: expect.stringContaining('--resume'),
    });
  });

  it('is not overwritten, nor resumed with anything else', async () => {
    const refused = async (args: readonly string[]) => (await cliRefusal(args, 2)).code;
    expect(await refused(run('texts.jsonl.gz', 'told.jsonl'))).toBe('RUN_EXISTS');
    expect(await refused(run('texts.jsonl.gz', 'told.jsonl', '--resume', '--graph-optimisation', 'basic'))).toBe(
      'RESUME_MISMATCH',
    );
    const model = run('texts.jsonl.gz', 'told.jsonl', '--resume');
    expect(await refused(model.with(1, at('other.onnx')))).toBe('RESUME_MISMATCH');
    await writeFile(at('changed.jsonl'), readFileSync(at('texts.jsonl'), 'utf8').replace('0, ', '1, '));
    expect(await refused(run('changed.jsonl', 'told.jsonl', '--resume'))).toBe('RESUME_MISMATCH');
    await writeFile(at('short.jsonl'), JSON.stringify({ text: texts[0] }));
    expect(await refused(run('short.jsonl', 'told.jsonl', '--resume'))).toBe('RESUME_MISMATCH');
    expect(await refused(run('texts.jsonl', 'never.jsonl', '--resume'))).toBe('FILE_NOT_FOUND');
    expect(await refused(['predict', at('model.onnx'), 'a text', '--resume'])).toBe('OPTION_INVALID');
    // and is still there to go on with
    expect(await cliJson(run('texts.jsonl', 'told.jsonl', '--resume'))).toMatchObject({ texts: count });
  });

  it('before it had written a whole segment starts from the first text', async () => {
    await writeFile(at('torn.csv.partial'), 'half a segment of a longer file\n'.repeat(100_000));
    expect(await cliJson(run('texts.csv', 'torn.csv', '--resume'))).toMatchObject({ classified: count });
    expect(readFileSync(at('torn.csv')).equals(readFileSync(at('whole.csv')))).toBe(true);
  });

  it('with damaged notes is refused', async () => {
    await writeFile(at('noted.jsonl.partial'), 'some rows');
    await writeFile(at('noted.jsonl.progress'), '{"version": 1');
    expect((await cliRefusal(run('texts.txt', 'noted.jsonl', '--resume'), 2)).code).toBe('RESUME_MISMATCH');
  });

  it('is not written by two at a time', async () => {
    // It reads from standard input, so it cannot end before the other has come.
    const child = startCli([
      'predict',
      at('model.onnx'),
      '--provider',
      'cpu',
      '--format',
      'jsonl',
      '--out',
      at('two.jsonl'),
    ]);
    const outcome = outcomeOf(child);
    while (!existsSync(at('two.jsonl.lock'))) await delay(1);
    expect((await cliRefusal(run('texts.jsonl', 'two.jsonl'), 2)).code).toBe('RUN_LOCKED');
    child.stdin.end(readFileSync(at('texts.jsonl')));
    expect((await outcome).status).toBe(0);
  });
});

describe('standard output', () => {
  it('with --json is one object, however many texts', async () => {
    const args = ['predict', at('model.onnx'), '--provider', 'cpu', '--file', at('texts.txt')];
    const { predictions, labels } = await cliJson(args);
    expect(labels).toEqual(['class 0', 'class 1']);
    expect((predictions as { text: string }[]).map(({ text }) => text)).toEqual(texts);
  });

  it('takes gzip from standard input, with its form named', async () => {
    const input = readFileSync(at('texts.jsonl.gz'));
    const args = ['predict', at('model.onnx'), '--provider', 'cpu', '--format', 'jsonl'];
    const { stdout } = await cli(args, { input });
    expect(stdout.trimEnd().split('\n')).toHaveLength(count);
  });

  it('of damaged texts has nothing on it', async () => {
    await writeFile(at('damaged.txt'), 'a\0b');
    await cliRefusal(['predict', at('model.onnx'), '--file', at('damaged.txt')], 2);
  });
});
