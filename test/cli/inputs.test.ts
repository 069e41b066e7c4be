/** Damaged, empty, one-class, binary, non-UTF-8 and huge inputs each end in their error, with nothing left behind. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { cli, cliRefusal, quickly, tickets, useCli } from './run-cli.ts';

const place = useCli();
const at = (name: string) => join(place.folder, name);

beforeAll(async () => {
  await cli(['train', 'lstm', '--data', tickets, '--out', at('run'), ...quickly]);
  await cli(['export', at('run'), '--out', at('model.onnx')]);
});

const rows = (count: number, label: (row: number) => string) =>
  Array.from({ length: count }, (_, row) => `text number ${row},${label(row)}`).join('\n');

/** File name, contents, expected code. */
const damagedData: readonly (readonly [name: string, contents: string | Uint8Array, code: string])[] = [
  ['empty.csv', '', 'DATA_INVALID'],
  ['header-only.csv', 'text,label\n', 'DATA_INVALID'],
  ['one-class.csv', `text,label\n${rows(20, () => 'same')}\n`, 'DATA_LABELS'],
  ['binary.csv', new Uint8Array(4096).map((_, index) => index % 256), 'DATA_INVALID'],
  ['nul.csv', 'text,label\na\0b,x\nc,y\n', 'DATA_INVALID'],
  [
    'latin1.csv',
    Buffer.concat([Buffer.from('text,label\ncaf'), Buffer.from([0xe9]), Buffer.from(',a\n')]),
    'DATA_INVALID',
  ],
  ['ragged.csv', 'text,label\none,a\ntwo\nthree,b,c\n', 'DATA_INVALID'],
  ['open-quote.csv', 'text,label\n"one,a\ntwo,b\n', 'DATA_INVALID'],
  ['no-label.csv', 'text,kind\none,a\ntwo,b\n', 'DATA_NOT_FOUND'],
  ['broken.jsonl', '{"text": "one", "label": "a"}\n{"text": \n', 'DATA_INVALID'],
  ['array.jsonl', '[1, 2]\n', 'DATA_INVALID'],
  ['empty.jsonl', '', 'DATA_INVALID'],
  ['photo.png', new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 0, 0]), 'DATA_INVALID'],
];

describe('labelled texts', () => {
  it.each(damagedData)('%s', async (name, contents, code) => {
    await writeFile(at(name), contents);
    const args = ['train', 'lstm', '--data', at(name), '--out', at('none'), ...quickly];
    const error = await cliRefusal(args, 2);
    expect(error.code, error.message).toBe(code);
    expect(existsSync(at('none'))).toBe(false);
  });

  it('an empty folder', async () => {
    await mkdir(at('empty-folder'));
    const error = await cliRefusal(['train', 'lstm', '--data', at('empty-folder'), '--out', at('none')], 2);
    expect(error.code).toMatch(/^DATA_/);
    expect(existsSync(at('none'))).toBe(false);
  });

  it('a huge file', async () => {
    await writeFile(at('huge.csv'), 'text,label\n');
    await truncate(at('huge.csv'), 8 * 1024 ** 3); // sparse: takes no room on the disk
    const error = await cliRefusal(['train', 'lstm', '--data', at('huge.csv'), '--out', at('none')], 2);
    expect(error).toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringMatching(/holds more than 256 MiB of text$/),
    });
  });
});

const junk = new Uint8Array(5000).map((_, index) => (index * 7919) % 251);

/** What is done to a good file, and the code that it then ends in. */
const damage: readonly (readonly [how: string, harm: (bytes: Uint8Array) => Uint8Array])[] = [
  ['empty', () => new Uint8Array()],
  ['cut short', (bytes) => bytes.subarray(0, bytes.length / 2)],
  ['cut short by a byte', (bytes) => bytes.subarray(0, bytes.length - 1)],
  ['junk', () => junk],
  ['text', () => Buffer.from('this is a letter and no model')],
  ['with NaN', (bytes) => withNaN(bytes)],
];

/** Makes the last weight, or whatever lies there, a NaN. */
function withNaN(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.set([0, 0, 0xc0, 0x7f], copy.length - 4);
  return copy;
}

describe('model files', () => {
  it.each(damage.slice(0, 5))('an ONNX file that is %s', async (how, harm) => {
    const file = at(`${how.replaceAll(' ', '-')}.onnx`);
    await writeFile(file, harm(readFileSync(at('model.onnx'))));
    for (const args of [
      ['predict', file, 'text'],
      ['inspect', file],
    ]) {
      expect((await cliRefusal(args, 2)).code).toMatch(/^(ONNX|METADATA)_INVALID$/);
    }
  });

  it.each(damage)('a checkpoint that is %s', async (how, harm) => {
    const file = at(`${how.replaceAll(' ', '-')}.safetensors`);
    await writeFile(file, harm(readFileSync(at('run/best.safetensors'))));
    for (const args of [
      ['inspect', file],
      ['export', file, '--out', at('none.onnx')],
    ]) {
      expect((await cliRefusal(args, 2)).code).toMatch(/^(CHECKPOINT|WEIGHTS)_INVALID$/);
    }
    expect(existsSync(at('none.onnx'))).toBe(false);
  });

  it('a checkpoint whose header promises gigabytes', async () => {
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64LE(2n ** 40n);
    await writeFile(at('bomb.safetensors'), bytes);
    expect((await cliRefusal(['inspect', at('bomb.safetensors')], 2)).code).toBe('CHECKPOINT_INVALID');
  });

  it.each([
    ['empty', ''],
    ['no JSON', '{"version": 1,'],
    ['no spec', '{"layers": 3}'],
    ['too deep', '['.repeat(100_000)],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['too large', `"${'x'.repeat(2_000_000)}"`],
  ])('a spec that is %s', async (how, contents) => {
    const file = at(`${how.replaceAll(' ', '-')}.json`);
    await writeFile(file, contents);
    expect((await cliRefusal(['inspect', file], 2)).code).toBe('SPEC_INVALID');
    const train = ['train', file, '--data', tickets, '--out', at('none')];
    expect((await cliRefusal(train, 2)).code).toBe('SPEC_INVALID');
    expect(existsSync(at('none'))).toBe(false);
  });
});

describe('texts to classify', () => {
  it.each([
    ['empty', ''],
    ['binary', Buffer.from([1, 2, 0, 3])],
    ['no UTF-8', Buffer.from([0x63, 0x61, 0x66, 0xe9])],
  ])('that are %s', async (_, input) => {
    expect((await cliRefusal(['predict', at('model.onnx')], 2, { input })).code).toBe('DATA_INVALID');
    await writeFile(at('texts'), input);
    expect((await cliRefusal(['predict', at('model.onnx'), '--file', at('texts')], 2)).code).toBe('DATA_INVALID');
  });

  it('that are odd but text', async () => {
    const input = '🙂🙂\nשלום עולם\n\u202e\n日本語のテキスト\n';
    const { status, stdout } = await cli(['predict', at('model.onnx')], { input });
    expect(status).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(4);
  });
});

describe('places that cannot be written', () => {
  it('end in FILE_ACCESS with nothing left behind', async () => {
    await writeFile(at('file'), 'not a folder');
    await mkdir(at('folder.onnx'));
    const before = readdirSync(place.folder);
    const exported = await cliRefusal(['export', at('run'), '--out', at('file/model.onnx')], 1);
    expect(exported.code).toBe('FILE_ACCESS');
    const trained = await cliRefusal(['train', 'lstm', '--data', tickets, '--out', at('file/run'), ...quickly], 1);
    expect(trained.code).toBe('FILE_ACCESS');
    const onto = await cliRefusal(['export', at('run'), '--out', at('folder.onnx')], 1);
    expect(onto.code).toBe('FILE_ACCESS');
    expect(readdirSync(place.folder)).toEqual(before);
  });
});
