import { fail } from './errors.ts';

/**
 * Refuses options that a function does not take: from plain JavaScript a misspelt one would be ignored.
 * @throws OPTION_UNKNOWN
 */
export function checkOptionNames(taker: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  fail('OPTION_UNKNOWN', `${taker} has no option ${unknown}`, `Options are ${known.join(', ')}.`);
}
