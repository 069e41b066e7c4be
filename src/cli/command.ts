/**
 * What all commands have in common: the options that every one takes, help with examples, refusals by the catalogue.
 * A command imports the exporter only when it works: the ONNX message classes take longer to load than all the rest.
 */
import { Command, type CommanderError, Option } from 'commander';
import { fail } from '../core/errors.ts';
import { nearestNames } from '../core/nearest.ts';
import { createTerminal, type Terminal, type TerminalOptions } from './terminal/terminal.ts';

const json = new Option('--json', 'print one JSON object on standard output, and nothing else there');
const quiet = new Option('--quiet', 'print the result only: no remarks, no progress');

/** A command without its own arguments and options. `work` gets the arguments in their order, undefined where left out. */
export function defineCommand<Options extends TerminalOptions, Arguments extends unknown[]>(
  name: string,
  description: string,
  work: (terminal: Terminal, options: Options, ...args: Arguments) => Promise<void>,
): Command {
  const command = new Command(name)
    .description(description)
    .addOption(json)
    .addOption(quiet)
    .configureOutput({ outputError: () => {} })
    .action(async () => {
      const options = command.opts<Options>();
      const terminal = createTerminal(options);
      try {
        await work(terminal, options, ...(command.processedArgs as Arguments));
      } finally {
        terminal.progress.stop(); // a bar that an error left behind would keep the process alive
      }
    });
  return command.exitOverride((error) => refuse(command, error));
}

/** A command that only has commands, such as `recurrent bench`. */
export function defineGroup(name: string, description: string, ...commands: readonly Command[]): Command {
  const group = new Command(name).description(description).configureOutput({ outputError: () => {} });
  for (const command of commands) group.addCommand(command);
  return group.exitOverride((error) => refuse(group, error));
}

export function withOptions(command: Command, ...options: readonly Option[]): Command {
  for (const option of options) command.addOption(option);
  return command;
}

/** Command lines at the end of the help. */
export function withExamples(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`);
}

/** The value of an option that the command cannot do without. Checked here and not by commander, which would report it before a misspelt option. */
export function required<T>(value: T | undefined, flags: string): T {
  return value ?? fail('OPTION_INVALID', `${flags} is missing`, 'See the examples under --help.');
}

/**
 * Turns an error of commander into one of the catalogue. Help and version, which commander also reports this way, go on.
 * @throws OPTION_UNKNOWN, OPTION_INVALID, OPTION_UNSUPPORTED
 */
function refuse(command: Command, error: CommanderError): never {
  if (error.exitCode === 0) throw error;
  const name = pathOf(command);
  const [what = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const hint = suggestion?.replace(/[()]/g, '') ?? `See ${name} --help.`;
  switch (error.code) {
    case 'commander.unknownOption':
      return refuseOption(command, /'([^'=]*)/.exec(what)?.[1] ?? '');
    case 'commander.unknownCommand':
      return fail('OPTION_UNKNOWN', `${name} has ${what.replace('unknown', 'no')}`, hint);
    case 'commander.help':
      return command.parent
        ? fail('OPTION_INVALID', `${name} needs one of its commands: ${namesOf(command)}`, `See ${name} --help.`)
        : fail('OPTION_INVALID', 'no command was given', 'Begin with recurrent demo, or see recurrent --help.');
    default:
      return fail('OPTION_INVALID', `${name}: ${what}`, hint);
  }
}

function refuseOption(command: Command, flag: string): never {
  const name = pathOf(command);
  if (command.options.some(({ long }) => long === flag)) {
    fail('OPTION_INVALID', `${flag} takes no value`, `Write ${flag} alone.`);
  }
  const takersAmong = (others: readonly Command[]) =>
    others.filter((other) => other.options.some(({ long, short }) => long === flag || short === flag)).map(pathOf);
  const [within] = takersAmong(command.commands);
  if (within) fail('OPTION_UNSUPPORTED', `${name} does not take ${flag}`, `Put options last, as in ${within} ${flag}.`);
  const takers = takersAmong(command.parent?.commands ?? []);
  if (takers.length) {
    fail('OPTION_UNSUPPORTED', `${name} does not take ${flag}`, `It belongs to ${takers.join(', ')}.`);
  }
  const known = command.options.flatMap(({ long }) => long ?? []);
  const nearest = nearestNames(flag, known);
  const hint = nearest.length ? `Did you mean ${nearest.join(' or ')}?` : `See ${name} --help.`;
  fail('OPTION_UNKNOWN', `${name} has no option ${flag}`, hint);
}

function namesOf({ commands }: Command): string {
  return commands.map((inner) => inner.name()).join(', ');
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}
