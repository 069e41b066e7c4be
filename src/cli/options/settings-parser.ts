/** Options of several settings on the command line: `cosine,over=20,warmup=1`, `factor=0.5,patience=2`. */
import type { z } from 'zod';
import { fail } from '../../core/errors.ts';

type Setting = string | number | boolean;
const number = /^(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

/**
 * The text of an option as the object that `schema` takes: first the type, where there are several, then settings with
 * commas between. A setting without a value is on.
 *
 * @throws OPTION_INVALID, OPTION_UNKNOWN naming the setting
 */
export function settingsParser(flag: string, schema: z.ZodType): (text: string) => Record<string, Setting> | number {
  return (text) => {
    const given = number.test(text) ? Number(text) : parseSettings(flag, text);
    const parsed = schema.safeParse(given);
    if (parsed.success) return given;
    const [issue] = parsed.error.issues;
    const place = issue?.path.map(String).join('.') ?? '';
    if (issue?.code === 'unrecognized_keys') {
      fail(
        'OPTION_UNKNOWN',
        `${flag} ${text}: no setting ${issue.keys.map(kebab).join(', ')}`,
        'See docs/training.md.',
      );
    }
    return fail(
      'OPTION_INVALID',
      `${flag} ${text}: ${place === '' ? '' : `${kebab(place)}: `}${issue?.message}`,
      'See docs/training.md for the settings and their ranges.',
    );
  };
}

function parseSettings(flag: string, text: string): Record<string, Setting> {
  const settings: Record<string, Setting> = {};
  for (const [place, part] of text.split(',').entries()) {
    const [name = '', value] = part.split(/=(.*)/s);
    const isType = place === 0 && value === undefined;
    const key = isType ? 'type' : camel(name);
    if (name === '' || value === '' || Object.hasOwn(settings, key)) {
      const hint = `Write it as ${flag} name=value,name=value.`;
      fail('OPTION_INVALID', `${flag} cannot read ${JSON.stringify(text)}`, hint);
    }
    settings[key] = isType ? name : readValue(value);
  }
  return settings;
}

function readValue(value: string | undefined): Setting {
  if (value === undefined || value === 'true') return true;
  if (value === 'false') return false;
  return number.test(value) ? Number(value) : value;
}

/** `balanced`, or labels with their weights: `ham=1,spam=3`. @throws OPTION_INVALID */
export function parseClassWeights(text: string): 'balanced' | Record<string, number> {
  if (text === 'balanced') return text;
  const weights = text.split(',').map((part) => {
    const [, label, value = ''] = /^(.+)=([^=]+)$/.exec(part) ?? [];
    if (label !== undefined && number.test(value)) return [label, Number(value)] as const;
    const hint = 'Write balanced, or label=weight,label=weight.';
    return fail('OPTION_INVALID', `--class-weights cannot read ${JSON.stringify(text)}`, hint);
  });
  return Object.fromEntries(weights);
}

/** The types that a union tells apart. */
export function typesOf(
  union: z.ZodDiscriminatedUnion<readonly z.ZodObject<{ readonly type: z.ZodLiteral<string> }>[]>,
): string[] {
  return union.options.map(({ shape }) => shape.type.value);
}

function camel(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
