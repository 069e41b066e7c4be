/** JSON Lines: one object a line. */
import { fail } from '../../core/errors.ts';
import {
  checkExamples,
  columnHint,
  type LabelledText,
  largestRecord,
  limits,
  type Reader,
  type ReaderContext,
} from './reader.ts';
import { readUtf8 } from './utf8.ts';

export const readJsonl: Reader = async (context) => {
  const texts: LabelledText[] = [];
  let line = 0;
  function take(bytes: Buffer): void {
    line++;
    checkLength(bytes, line, context);
    const json = bytes.toString('utf8');
    if (json.trim() === '') return;
    texts.push({ id: `line-${line}`, ...parseLine(json, line, context) });
    checkExamples(texts.length, context.source);
  }

  let carried = Buffer.alloc(0);
  for await (const chunk of readUtf8(context)) {
    const bytes = Buffer.concat([carried, chunk]);
    let from = 0;
    for (let end = bytes.indexOf('\n'); end >= 0; end = bytes.indexOf('\n', from)) {
      take(bytes.subarray(from, end));
      from = end + 1;
    }
    carried = bytes.subarray(from);
    checkLength(carried, line + 1, context);
  }
  take(carried);
  return { texts, notes: [] };
};

function checkLength(bytes: Buffer, line: number, context: ReaderContext): void {
  if (bytes.length > limits.recordBytes) refuse(context, line, `is longer than ${largestRecord}`);
}

function parseLine(json: string, line: number, context: ReaderContext): Omit<LabelledText, 'id'> {
  const { textColumn, labelColumn } = context;
  const record = parseObject(json, line, context);
  const text = fieldOf(record, textColumn, '--text-column', line, context);
  const label = fieldOf(record, labelColumn, '--label-column', line, context);
  if (typeof text !== 'string') refuse(context, line, `has a "${textColumn}" that is no string`);
  if (/\p{Surrogate}/u.test(text)) refuse(context, line, 'holds half of a surrogate pair: it is no valid text');
  if (label === null || (typeof label === 'string' && label.trim() === '')) {
    fail('DATA_LABELS', `${context.source}, line ${line}: the label is empty`, 'Give every example a label.');
  }
  if (typeof label === 'object') refuse(context, line, `has a "${labelColumn}" that is no string, number or boolean`);
  return { text, label: String(label) };
}

function parseObject(json: string, line: number, context: ReaderContext): object {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    refuse(context, line, `is not JSON: ${(error as SyntaxError).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(context, line, 'is not an object');
  return value;
}

function fieldOf(record: object, name: string, option: string, line: number, { source }: ReaderContext): unknown {
  if (Object.hasOwn(record, name)) return (record as Record<string, unknown>)[name];
  const names = Object.keys(record);
  return fail(
    'DATA_NOT_FOUND',
    `${source}, line ${line} has no field "${name}"; its fields are ${names.map((field) => `"${field}"`).join(', ')}`,
    `${columnHint(name, names, option)} Every line needs it.`,
  );
}

function refuse({ source }: ReaderContext, line: number, what: string): never {
  fail('DATA_INVALID', `${source}, line ${line} ${what}`, 'Write one JSON object a line, with a text and a label.');
}
