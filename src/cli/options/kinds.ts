/** Options by the kind of their value. */
import { Option } from 'commander';
import { z } from 'zod';
import { numberOf, numberParser } from './number-parser.ts';
import { settingsParser } from './settings-parser.ts';

/** An option of several settings: see `settingsParser`. */
export function settings(flags: string, description: string, schema: z.ZodType): Option {
  const flag = flags.split(' ', 1)[0] as string;
  return new Option(flags, description).argParser(settingsParser(flag, schema));
}

/** An option whose range and default are those of its schema. */
export function number(flags: string, description: string, schema: z.ZodType, preface = ''): Option {
  const flag = flags.split(' ', 1)[0] as string;
  return new Option(flags, withDefault(description, schema, preface)).argParser(numberParser(flag, numberOf(schema)));
}

/** An option that takes one of `choices`; its default is that of its schema. */
export function choice(
  flags: string,
  description: string,
  choices: readonly string[],
  schema: z.ZodType,
  preface = '',
): Option {
  return new Option(flags, withDefault(description, schema, preface)).choices(choices);
}

/** Said, not set: the library tells an option that was left out from one that was given. */
function withDefault(description: string, schema: z.ZodType, preface: string): string {
  return schema instanceof z.ZodDefault
    ? `${description} (default: ${preface}${schema.parse(undefined)})`
    : description;
}
