/**
 * Where each thing that a command prints goes.
 *
 * |               | standard output | standard error            |
 * |---------------|-----------------|---------------------------|
 * | for people    | remarks, answer | progress bar, errors      |
 * | with `--json` | the answer      | remarks, progress, errors |
 *
 * `--quiet` leaves out remarks and progress. Colours and bars only on a terminal, colours not with `NO_COLOR`.
 */
import picocolors from 'picocolors';
import { type Progress, silent } from '../../core/progress.ts';
import { progressBar } from './progress-bar.ts';

type Colours = ReturnType<typeof picocolors.createColors>;

export interface Terminal {
  /** A remark on what is being done. */
  say(text: string): void;
  /** What must not be missed, such as a part of the answer that is not there: on standard error, with `--quiet` too. */
  warn(text: string): void;
  /** What the command was asked for: the object with `--json`, else the text. Called once. */
  answer(object: object, text: string): void;
  readonly progress: Progress;
  /** For texts given to `say` and `answer`. */
  readonly colours: Colours;
  /** Standard output is a terminal, and people read it. */
  readonly interactive: boolean;
}

export interface TerminalOptions {
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

export function createTerminal({ json = false, quiet = false }: TerminalOptions): Terminal {
  const people = json ? process.stderr : process.stdout;
  return {
    say: (text) => {
      if (!quiet) people.write(`${text}\n`);
    },
    warn: (text) => {
      process.stderr.write(`${text}\n`);
    },
    answer: (object, text) => {
      process.stdout.write(json ? `${JSON.stringify(object)}\n` : `${text}\n`);
    },
    progress: quiet || !redraws(process.stderr) ? silent : progressBar(process.stderr),
    colours: coloursFor(people),
    interactive: !json && process.stdout.isTTY,
  };
}

/** A line that was written can be written over: on a terminal, but for those that know no escape codes. */
export function redraws(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && process.env.TERM !== 'dumb';
}

/** https://no-color.org and https://force-color.org: NO_COLOR wins, an empty value counts as unset. */
export function coloursFor(stream: NodeJS.WriteStream): Colours {
  const { NO_COLOR, FORCE_COLOR } = process.env;
  if (NO_COLOR) return picocolors.createColors(false);
  // Never undefined: then picocolors decides, and colours what is piped under CI.
  return picocolors.createColors(Boolean(FORCE_COLOR || redraws(stream)));
}
