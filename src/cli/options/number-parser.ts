/** Numbers on the command line, read strictly: a whole number is digits and nothing else, never `1e3`, `0x10` or ` 5`. */
import { z } from 'zod';
import { fail } from '../../core/errors.ts';

/** The numbers of `schema`, which has a lowest and a highest, as values of the option `flag`. @throws OPTION_INVALID with the range */
export function numberParser(flag: string, schema: z.ZodNumber): (text: string) => number {
  const whole = schema.format === 'safeint';
  const form = whole ? /^\d+$/ : /^(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;
  return (text) => {
    const value = form.test(text) ? Number(text) : Number.NaN;
    if (schema.safeParse(value).success) return value;
    return fail(
      'OPTION_INVALID',
      `${flag} takes a ${whole ? 'whole ' : ''}number ${describeRange(schema)}, not ${JSON.stringify(text)}`,
      whole ? 'Write it in digits.' : 'Write it as 0.001 or 1e-3.',
    );
  };
}

function describeRange(schema: z.ZodNumber): string {
  const { minValue: min, maxValue: max } = schema;
  const from = schema.safeParse(min).success ? `from ${min}` : `above ${min}`;
  if (max === Number.MAX_SAFE_INTEGER) return from;
  return from.startsWith('from') ? `${from} to ${max}` : `${from} and at most ${max}`;
}

/** The plain number under `.default()` and `.optional()`. */
export function numberOf(schema: z.ZodType): z.ZodNumber {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) return numberOf(schema.unwrap() as z.ZodType);
  return schema as z.ZodNumber;
}
