/** Charts of a run as files, on the terminal, and as events of TensorBoard: through the command line. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readEvent } from '../../src/report/tensorboard/event.ts';
import { readRecords } from '../../src/report/tensorboard/record.ts';
import { cli, cliJson, cliRefusal, onTerminal, quickly, terminalMissing, tickets, useCli } from './run-cli.ts';

const place = useCli();
const at = (...names: string[]) => join(place.folder, ...names);
const train = (run: string, ...more: string[]) => [
  'train',
  'lstm',
  '--data',
  tickets,
  '--out',
  at(run),
  ...quickly,
  ...more,
];
const isPng = (file: string) => readFileSync(file).subarray(1, 4).toString() === 'PNG';
const isSvg = (file: string) => /^<svg [\s\S]*<\/svg>\n$/.test(readFileSync(file, 'utf8'));

beforeAll(async () => {
  await cliJson(train('run'));
});

describe('plot', () => {
  it('draws losses and accuracy into the folder of the run', async () => {
    const result = await cliJson(['plot', at('run')]);
    const files = ['loss.svg', 'loss.png', 'accuracy.svg', 'accuracy.png'].map((name) => at('run', name));
    expect(result).toEqual({ model: 'lstm', epochs: 2, bestEpoch: expect.any(Number), files });
    expect(files.map((file) => (file.endsWith('.png') ? isPng(file) : isSvg(file)))).toEqual([true, true, true, true]);
  });

  it('with texts judges the model on those that were held out', async () => {
    const result = await cliJson(['plot', at('run'), '--data', tickets, '--out', at('charts'), '--formats', 'svg']);
    const { accuracy, loss, examples, split, labels, confusion } = await cliJson([
      'evaluate',
      at('run'),
      '--data',
      tickets,
    ]);
    expect(result.evaluation).toMatchObject({ accuracy, loss, examples, split });
    const { areas } = result.evaluation as { areas: Record<string, number> };
    expect(Object.keys(areas)).toEqual(labels);
    for (const area of Object.values(areas)) expect(area >= 0 && area <= 1).toBe(true);
    const names = ['accuracy.svg', 'confusion.svg', 'lengths.svg', 'loss.svg', 'roc.svg'];
    expect(readdirSync(at('charts')).sort()).toEqual(names);
    for (const name of names) expect(isSvg(at('charts', name))).toBe(true);
    const cells = [...readFileSync(at('charts', 'confusion.svg'), 'utf8').matchAll(/: (\d+) \(/g)].map(([, count]) =>
      Number(count),
    );
    expect(cells).toEqual((confusion as number[][]).flat());
  });

  it('prints the losses in plain letters where there is no terminal', async () => {
    const { stdout } = await cli(['plot', at('run'), '--formats', 'svg']);
    expect(stdout).toMatch(/^Loss {3}\* training {3}o validation\n.*┤/);
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toContain(`drawn  ${at('run', 'loss.svg')}`);
    expect(stdout).toContain(`--data ${tickets}`);
  });

  it('draws labels of any script, and says which the font of PNG files has not got', async () => {
    const rows = Array.from({ length: 40 }, (_, index) =>
      index % 2 ? `정말 좋은 영화 ${index},긍정 <b>` : `정말 나쁜 영화 ${index},부정`,
    );
    writeFileSync(at('reviews.csv'), `text,label\n${rows.join('\n')}\n`);
    await cliJson(['train', 'lstm', '--data', at('reviews.csv'), '--out', at('korean'), ...quickly]);
    const { status, stderr } = await cli(['plot', at('korean'), '--data', at('reviews.csv')]);
    expect(status).toBe(0);
    expect(stderr).toMatch(/^confusion\.png shows boxes for [긍정부]{3}, .*confusion\.svg has them\.$/m);
    expect(stderr).not.toContain('loss.png');
    expect(readFileSync(at('korean', 'confusion.svg'), 'utf8')).toContain('>긍정 &lt;b&gt;</text>');
  });

  it.each([
    ['no such folder', ['plot', 'nowhere'], 'FILE_NOT_FOUND', 'last.safetensors'],
    ['a file', ['plot', tickets], 'FILE_NOT_FOUND', 'last.safetensors'],
    ['no folder', ['plot'], 'OPTION_INVALID', 'run'],
    ['no such format', ['plot', 'nowhere', '--formats', 'pgn'], 'OPTION_INVALID', 'pgn'],
    ['a part of no texts', ['plot', 'RUN', '--split', 'all'], 'OPTION_INVALID', '--split'],
    ['a batch of no texts', ['plot', 'RUN', '--batch-size', '9'], 'OPTION_INVALID', '--batch-size'],
  ])('refuses %s', async (_, args, code, says) => {
    const refusal = await cliRefusal(
      args.map((arg) => (arg === 'RUN' ? at('run') : arg)),
      2,
    );
    expect(refusal.code).toBe(code);
    expect(`${refusal.message} ${refusal.hint}`).toContain(says);
  });
});

describe('train', () => {
  it('draws the losses at its end, in place of those of a run that it replaces', async () => {
    await cliJson(train('again'));
    const first = readFileSync(at('again', 'loss.svg'), 'utf8');
    expect(first).toContain('lstm on ');
    await cliJson(train('again', '--overwrite', '--epochs', '3'));
    expect(readFileSync(at('again', 'loss.svg'), 'utf8')).not.toBe(first);
  });

  it.skipIf(terminalMissing)('shows them on a terminal, in colours or without', async () => {
    expect(await onTerminal(train('terminal'))).toMatch(/\[33m[\u2801-\u28ff]/);
    const plain = await onTerminal(train('uncoloured'), { NO_COLOR: '1' });
    expect(plain).toContain('* training');
    expect(plain).not.toMatch(/[\u2801-\u28ff]/);
    expect(await onTerminal(train('silent', '--quiet'))).not.toContain('* training');
  });
});

/** Steps of the summaries in each event file of a folder. */
const steps = (folder: string) =>
  readdirSync(folder)
    .sort()
    .map((name) =>
      [...readRecords(readFileSync(join(folder, name)))]
        .map(readEvent)
        .flatMap((event) => (event?.type === 'scalars' ? event.step : [])),
    );

describe('train --tensorboard', () => {
  it('writes an event an epoch, goes on after a resumption, begins again after a replacement', async () => {
    const events = at('events');
    const logged = (...more: string[]) => cliJson(train('logged', '--tensorboard', events, ...more));
    const { files } = await logged();
    expect(files).toMatchObject({ tensorboard: events });
    expect(steps(join(events, 'train'))).toEqual([[1, 2]]);
    await logged('--resume', '--epochs', '4');
    expect(steps(join(events, 'train'))).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(steps(join(events, 'validation'))).toEqual([
      [1, 2],
      [3, 4],
    ]);
    rmSync(join(events, 'validation'), { recursive: true });
    await logged('--resume', '--epochs', '5');
    expect(steps(join(events, 'validation'))).toEqual([[1, 2, 3, 4, 5]]);
    await logged('--overwrite');
    expect(steps(join(events, 'train'))).toEqual([[1, 2]]);
  });

  it('refuses a folder that holds the events of another run, before it reads a text', async () => {
    const events = at('taken');
    await cliJson(train('one', '--tensorboard', events));
    const refusal = await cliRefusal(train('two', '--tensorboard', events), 2);
    expect(refusal.code).toBe('RUN_EXISTS');
    expect(refusal.message).toContain(events);
    expect(() => readdirSync(at('two'))).toThrow();
  });
});
