import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { catalogue } from '../../src/core/errors.ts';
import { datasetFingerprint } from '../../src/data/dataset.ts';
import { type LoadOptions, loadDataset } from '../../src/data/load.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recurrent-data-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
/** Writes a file of its own for each test. */
async function fileOf(extension: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, `${files++}.${extension}`);
  await writeFile(path, content);
  return path;
}

async function folderOf(entries: Readonly<Record<string, string | Uint8Array | null>>): Promise<string> {
  const path = join(folder, `folder-${files++}`);
  await mkdir(path);
  for (const [name, content] of Object.entries(entries)) {
    const target = join(path, name);
    await mkdir(join(target, '..'), { recursive: true });
    if (content === null) await mkdir(target, { recursive: true });
    else await writeFile(target, content);
  }
  return path;
}

type Pair = readonly [text: string, label: string];
const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`;
/** One way to write texts and labels for each kind of source. */
const writers = {
  csv: (pairs) => fileOf('csv', ['text,label', ...pairs.map((pair) => pair.map(quoted).join(','))].join('\r\n')),
  tsv: (pairs) =>
    fileOf('tsv', `${['label\ttext', ...pairs.map(([t, l]) => `${quoted(l)}\t${quoted(t)}`)].join('\n')}\n`),
  jsonl: (pairs) =>
    fileOf('jsonl', pairs.map(([text, label]) => JSON.stringify({ label, text, more: [1] })).join('\n')),
  folder: (pairs) =>
    folderOf(
      Object.fromEntries(pairs.map(([text, label], index) => [`${label}/${String(index).padStart(4, '0')}.txt`, text])),
    ),
} satisfies Record<string, (pairs: readonly Pair[]) => Promise<string>>;

async function expectFailure(source: string, code: keyof typeof catalogue, message: RegExp, options?: LoadOptions) {
  const error = await loadDataset(source, options).then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toMatchObject({ code, message: expect.stringMatching(message), hint: expect.stringMatching(/\w/) });
  expect(error.hint).not.toBe('');
}

describe.each(Object.entries(writers))('%s', (kind, write) => {
  const nasty: readonly Pair[] = [
    ['plain words', 'b'],
    ['commas, "quotes"\nnew lines\ttabs', 'a'],
    ['שלום 😀 e\u0301 \ufffd', 'a'],
    ['', 'b'],
    ['"""', 'a'],
    ['=1+1', 'ü'],
  ];

  test('gives every text and label, classes sorted by name', async () => {
    const { labels, examples, notes } = await loadDataset(await write(nasty));
    expect(labels).toEqual(['a', 'b', 'ü']);
    const read = examples.map(({ text, label }) => [text, labels[label]]);
    expect(read.sort()).toEqual([...nasty].sort());
    expect(new Set(examples.map(({ id }) => id)).size).toBe(nasty.length);
    expect(notes).toEqual(['1 of 6 texts are empty']);
  });

  test('points out labels that are most likely one', async () => {
    const pairs: Pair[] = [
      ['one', 'so so'],
      ['two', 'so  so'], // two spaces
      ['three', 'good'],
    ];
    const { labels, notes } = await loadDataset(await write(pairs));
    expect(labels).toEqual(['good', 'so  so', 'so so']);
    expect(notes).toEqual(['"so  so" and "so so" are classes of their own, but look alike']);
  });

  test('gives the same again, with the same fingerprint', async () => {
    const source = await write(nasty);
    const [first, second] = [await loadDataset(source), await loadDataset(source)];
    expect(second).toEqual(first);
    expect(datasetFingerprint(second)).toBe(datasetFingerprint(first));
  });

  test('gives any text back', async () => {
    const text = fc
      .string({ unit: 'binary', maxLength: 20 })
      .filter((value) => !/[\0]|\r/.test(value) && !value.startsWith('\ufeff'));
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 5 }), async (texts) => {
        const pairs = [...texts.map((value) => [value, 'a'] as const), ['b', 'b'] as const];
        const { examples } = await loadDataset(await write(pairs));
        expect(examples.map((example) => example.text)).toEqual(pairs.map(([value]) => value));
      }),
      { numRuns: 25 },
    );
  });

  test('refuses one class only', async () => {
    await expectFailure(
      await write([
        ['one', 'a'],
        ['two', 'a'],
      ]),
      'DATA_LABELS',
      /label "a"/,
    );
  });

  test('refuses texts that are all empty', async () => {
    await expectFailure(
      await write([
        ['', 'a'],
        [' ', 'b'],
      ]),
      'DATA_INVALID',
      /every text .* is empty/,
    );
  });

  test('stops when it is told to', async () => {
    await expectFailure(await write(nasty), 'INTERRUPTED', /stopped/, { signal: AbortSignal.abort() });
  });

  test('tells how far it is', async () => {
    const calls: string[] = [];
    const source = await write(nasty);
    await loadDataset(source, {
      progress: {
        start: (stage, total) => calls.push(`start ${stage} ${total > 0}`),
        update: () => calls.push('update'),
        stop: () => calls.push('stop'),
      },
    });
    expect(calls).toEqual([`start reading ${source} true`, 'update', 'stop']);
  });

  if (kind !== 'folder') {
    const refused = [
      [/is empty/, new Uint8Array()],
      [/no examples/, Buffer.from('\ufeff')],
      [/NUL byte at byte 12 \(line 2\)/, Buffer.from('text,label\na\0b,c\n')],
      [/not UTF-8 at byte 12 \(line 2\)/, Buffer.from('text,label\nd\xe9j\xe0,c\n', 'latin1')],
      [/not UTF-8 at byte 0 \(line 1\)/, Buffer.from([0xff])],
      [/not UTF-8 at byte 1 \(line 1\)/, Buffer.from([0x61, 0xe2, 0x82])],
      [/is UTF-16/, Buffer.from('\ufefftext,label\n', 'utf16le')],
      [/byte 1/, Buffer.from([0x1f, 0x8b, 0x08, 0x00, 0x00])],
    ] as const;
    test.each(refused)('refuses what %s', async (message, bytes) => {
      await expectFailure(await fileOf(kind, bytes), 'DATA_INVALID', message);
    });

    test('refuses a file that is larger than the limit, before reading it', async () => {
      const source = await fileOf(kind, 'text,label\n');
      await truncate(source, 2 ** 40); // sparse: takes no space
      await expectFailure(source, 'DATA_INVALID', /more than 256 MiB/);
    });

    test('takes columns by name, and says which there are', async () => {
      const row = { csv: 'review,sentiment\nfine,+\nbad,-', tsv: 'review\tsentiment\nfine\t+\nbad\t-' };
      const json = '{"review":"fine","sentiment":"+"}\n{"review":"bad","sentiment":"-"}';
      const source = await fileOf(kind, kind === 'jsonl' ? json : row[kind as 'csv' | 'tsv']);
      const { labels, examples } = await loadDataset(source, { textColumn: 'review', labelColumn: 'sentiment' });
      expect(labels).toEqual(['+', '-']);
      expect(examples.map(({ text, label }) => [text, label])).toEqual([
        ['fine', 0],
        ['bad', 1],
      ]);
      await expectFailure(source, 'DATA_NOT_FOUND', /no (column|field) "text"; its \w+ are "review", "sentiment"/);
      await expectFailure(source, 'OPTION_INVALID', /both column "x"/, { textColumn: 'x', labelColumn: 'x' });
    });
  }
});

describe('a CSV or TSV', () => {
  test('may begin with a byte order mark, have blank lines, and end its lines as it likes', async () => {
    for (const [first, end] of [
      ['\n', '\n'],
      ['\r\n', '\r\n'],
      ['\r', '\r'],
      ['\r\n', '\n'],
    ]) {
      const source = await fileOf('csv', `\ufefftext,label${first}one,a${end}${end}two,b${end}`);
      const { examples } = await loadDataset(source);
      expect(examples.map(({ id, text }) => [id, text])).toEqual([
        ['row-1', 'one'],
        ['row-2', 'two'],
      ]);
    }
  });

  test.each([
    [/Invalid Record Length.* 3/, 'csv', 'text,label\none,a\ntwo,b,c\n'],
    [/Invalid Record Length.* 2/, 'csv', 'text,label\none\n'],
    [/Invalid Record Length.* 3/, 'tsv', 'text\tlabel\none\ta\ntwo\n'],
    [/Quote Not Closed.* line 3/, 'csv', 'text,label\none,a\n"two,b\n'],
    [/Invalid Opening Quote.* line 2/, 'csv', 'text,label\none "two" three,a\n'],
    [/Invalid Closing Quote/, 'csv', 'text,label\n"one" two,a\n'],
    [/two columns "text"/, 'csv', 'text,text,label\none,two,a\n'],
    [/no examples/, 'csv', 'text,label\n'],
    [/row at line 2 is longer than 4 MiB/, 'csv', `text,label\n"${'long '.repeat(2 ** 20)}",a\n`],
  ])('is refused when it is damaged: %s', async (message, extension, content) => {
    await expectFailure(await fileOf(extension, content), 'DATA_INVALID', message);
  });

  test('is refused where a label is empty', async () => {
    await expectFailure(
      await fileOf('csv', 'text,label\n"one\ntwo",a\nthree, \n'),
      'DATA_LABELS',
      /line 4: the label is empty/,
    );
  });

  test('is refused when the label column holds no classes', async () => {
    const rows = Array.from({ length: 1001 }, (_, index) => `text,number ${index}`);
    await expectFailure(await fileOf('csv', `text,label\n${rows.join('\n')}`), 'DATA_LABELS', /1001 different labels/);
  });
});

describe('a JSONL', () => {
  test('may have labels that are numbers or booleans', async () => {
    const source = await fileOf('jsonl', '{"text":"a","label":1}\r\n\r\n{"text":"b","label":0}\r\n');
    expect(await loadDataset(source)).toMatchObject({
      labels: ['0', '1'],
      examples: [
        { id: 'line-1', text: 'a', label: 1 },
        { id: 'line-3', text: 'b', label: 0 },
      ],
    });
  });

  test.each([
    [/line 2 is not JSON/, '{"text":"a","label":"x"}\n{"text":"a","label":'],
    [/line 1 is not an object/, '[1]'],
    [/line 1 is not an object/, 'null'],
    [/line 1 is not JSON/, `${'['.repeat(100_000)}`],
    [/line 1 has a "text" that is no string/, '{"text":5,"label":"x"}'],
    [/line 1 has a "text" that is no string/, '{"text":null,"label":"x"}'],
    [/line 1 has a "label" that is no string/, '{"text":"a","label":["x"]}'],
    [/line 1 holds half of a surrogate pair/, '{"text":"half \\ud83d of it","label":"x"}'],
    [/line 1 is longer than 4 MiB/, `{"text":"${'long '.repeat(2 ** 20)}","label":"x"}`],
  ])('is refused when it is damaged: %s', async (message, content) => {
    await expectFailure(await fileOf('jsonl', content), 'DATA_INVALID', message);
  });

  test.each(['""', 'null', '" "'])('is refused where a label is empty: %s', async (label) => {
    await expectFailure(
      await fileOf('jsonl', `{"text":"a","label":${label}}`),
      'DATA_LABELS',
      /line 1: the label is empty/,
    );
  });

  test('is refused where a later line lacks a field, or has it by inheritance only', async () => {
    const source = await fileOf('jsonl', '{"text":"a","label":"x"}\n{"text":"b"}\n');
    await expectFailure(source, 'DATA_NOT_FOUND', /line 2 has no field "label"; its fields are "text"/);
    await expectFailure(source, 'DATA_NOT_FOUND', /no field "toString"/, { textColumn: 'toString' });
  });

  test('is refused when it has too many examples', async () => {
    const source = await fileOf('jsonl', '{"text":"a","label":0}\n'.repeat(1_000_001));
    await expectFailure(source, 'DATA_INVALID', /more than 1000000 examples/);
  });

  test('is not read on when a line does not end', async () => {
    const source = await fileOf('jsonl', Buffer.concat([Buffer.alloc(2 ** 23, 'x'), Buffer.from([0xff])]));
    await expectFailure(source, 'DATA_INVALID', /line 1 is longer than 4 MiB/); // and not the bad byte after it
  });

  test('is read right where characters and lines cross the parts in which a file is read', async () => {
    for (const shift of [0, 1, 2, 3]) {
      const long = 'x'.repeat(shift) + '😀é'.repeat(200_000);
      const lines = ['a', 'b'].map((label) => JSON.stringify({ text: long + label, label }));
      const { examples } = await loadDataset(await fileOf('jsonl', lines.join('\n')));
      expect(examples.map(({ text }) => text === `${long}a` || text === `${long}b`)).toEqual([true, true]);
    }
  });

  test('is refused with the place of a bad byte far into the file', async () => {
    const line = '{"text":"some words","label":0}\n';
    const good = Buffer.from(line.repeat(100_000));
    const source = await fileOf('jsonl', Buffer.concat([good, Buffer.from('{"text":"'), Buffer.from([0xc3, 0x28])]));
    await expectFailure(source, 'DATA_INVALID', new RegExp(`byte ${good.length + 9} \\(line 100001\\)`));
  });
});

describe('a folder', () => {
  test('gives texts in the order of classes and names, and says what it left out', async () => {
    const source = await folderOf({
      'pos/10.txt': 'ten\r\nlines\rand more',
      'pos/2.txt': '\ufefftwo',
      'neg/1.txt': 'one',
      'neg/notes.md': '…',
      'neg/.hidden.txt': '…',
      'neg/more': null,
      README: '…',
    });
    const dataset = await loadDataset(source);
    expect(dataset.labels).toEqual(['neg', 'pos']);
    expect(dataset.examples).toEqual([
      { id: 'neg/1.txt', text: 'one', label: 0 },
      { id: 'pos/10.txt', text: 'ten\nlines\nand more', label: 1 },
      { id: 'pos/2.txt', text: 'two', label: 1 },
    ]);
    expect(dataset.notes).toEqual([
      '3 entries are no .txt files of neg, pos, left out: README, neg/more, neg/notes.md',
    ]);
  });

  test('may hold links to files and folders', async () => {
    const source = await folderOf({ 'a/1.txt': 'one', 'b/1.txt': 'two' });
    await symlink(join(source, 'a'), join(source, 'c'));
    await symlink(join(source, 'a', '1.txt'), join(source, 'b', '2.txt'));
    expect((await loadDataset(source)).examples.map(({ id }) => id)).toEqual([
      'a/1.txt',
      'b/1.txt',
      'b/2.txt',
      'c/1.txt',
    ]);
  });

  test.each([
    [/no subfolders/, {}],
    [/no subfolders/, { '1.txt': 'one' }],
    [/b has no \.txt files/, { 'a/1.txt': 'one', b: null }],
    [/train has no \.txt files/, { 'train/a/1.txt': 'one', 'train/b/1.txt': 'two' }],
    [/b.1\.txt holds a NUL byte at byte 3/, { 'a/1.txt': 'one', 'b/1.txt': 'nul\0' }],
    [/1\.txt is not UTF-8 at byte 1 \(line 2\)/, { 'a/1.txt': 'one', 'b/1.txt': Buffer.from('\n\xe9', 'latin1') }],
    [/1\.txt is larger than 4 MiB/, { 'a/1.txt': 'one', 'b/1.txt': Buffer.alloc(2 ** 22 + 1, 'x') }],
  ] as const)('is refused when it is no data set: %s', async (message, entries) => {
    await expectFailure(await folderOf(entries), 'DATA_INVALID', message);
  });

  test('points to the folders below when it stands one too high', async () => {
    const source = await folderOf({ 'train/a/1.txt': 'one', 'train/b/1.txt': 'two' });
    await expect(loadDataset(source)).rejects.toMatchObject({ hint: expect.stringContaining(join(source, 'train')) });
  });

  test('is refused when a file cannot be read', async () => {
    const source = await folderOf({ 'a/1.txt': 'one', 'b/1.txt': 'two' });
    await symlink('2.txt', join(source, 'b', '2.txt')); // a link to itself: unreadable for every user, root included
    await expectFailure(source, 'FILE_ACCESS', /2\.txt/);
    const other = await folderOf({ 'a/1.txt': 'one', 'b/1.txt': 'two' });
    await symlink('nowhere', join(other, 'b', '2.txt'));
    await expectFailure(other, 'FILE_NOT_FOUND', /2\.txt does not exist/);
  });

  test('has no columns', async () => {
    const source = await folderOf({ 'a/1.txt': 'one', 'b/1.txt': 'two' });
    await expectFailure(source, 'OPTION_UNSUPPORTED', /labelColumn does not apply/, { labelColumn: 'x' });
    await expectFailure('spam', 'OPTION_UNSUPPORTED', /textColumn does not apply/, { textColumn: 'x' });
  });
});

describe('what is no source', () => {
  test('is refused', async () => {
    await expectFailure(join(folder, 'missing.csv'), 'DATA_NOT_FOUND', /missing\.csv does not exist/);
    await expectFailure(join(folder, 'missing'), 'DATA_NOT_FOUND', /missing does not exist/);
    await expectFailure(await fileOf('xlsx', 'text'), 'DATA_INVALID', /xlsx is no data source/);
    await expectFailure('/dev/null', 'DATA_INVALID', /no data source/);
  });
});

test('the fingerprint changes with every part of the data', async () => {
  const base = {
    source: 's',
    labels: ['a', 'b'],
    notes: [],
    examples: [
      { id: '1', text: 'x', label: 0 },
      { id: '2', text: 'y', label: 1 },
    ],
  };
  const [first, second] = base.examples as [(typeof base.examples)[0], (typeof base.examples)[0]];
  const variants = [
    base,
    { ...base, labels: ['a', 'c'] },
    { ...base, examples: [second, first] },
    { ...base, examples: [first] },
    { ...base, examples: [{ ...first, text: 'x ' }, second] },
    { ...base, examples: [{ ...first, id: '1x', text: '' }, second] },
    { ...base, examples: [{ ...first, label: 1 }, second] },
    { ...base, examples: [{ ...first, text: '\ud800' }, second] },
    { ...base, examples: [{ ...first, text: '\ufffd' }, second] },
  ];
  expect(new Set(variants.map(datasetFingerprint)).size).toBe(variants.length);
  expect(datasetFingerprint({ ...base, source: 'elsewhere' })).toBe(datasetFingerprint(base));
});
