import { Option } from 'commander';
import { fail } from '../../core/errors.ts';
import { nearestNames } from '../../core/nearest.ts';

/** Some of `names`, with commas between. */
export function namesOption<Name extends string>(
  flag: string,
  description: string,
  names: readonly Name[],
  standard: readonly Name[] = names,
): Option {
  return new Option(`${flag} <names>`, `${description}, with commas between: ${names.join(', ')}`)
    .default(standard, standard.length === names.length ? 'all' : standard.join(','))
    .argParser(namesParser(flag, names));
}

/** The names in a list with commas between, each once. */
export function namesParser<Name extends string>(flag: string, names: readonly Name[]): (text: string) => Name[] {
  return (text) => [...new Set(text.split(',').map((name) => knownName(flag, name, names)))];
}

function knownName<Name extends string>(flag: string, name: string, names: readonly Name[]): Name {
  const [nearest] = nearestNames(name, names);
  return (
    names.find((known) => known === name) ??
    fail(
      'OPTION_INVALID',
      `${flag}: there is no "${name}"`,
      nearest ? `Did you mean ${nearest}?` : `Choose among ${names.join(', ')}.`,
    )
  );
}
