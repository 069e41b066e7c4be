/** Where the server's log goes: to standard error, as lines of JSON, or as lines for people where that is a terminal. */
import { type Logger, pino } from 'pino';
import { printable } from '../terminal/format.ts';
import { coloursFor } from '../terminal/terminal.ts';

/** Written while the server goes on: `flush` it before anything that is to come behind it. */
export function createLogger(level: string): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  // With a minLength of 0 `flush` would wait for nothing.
  if (!process.stderr.isTTY) return pino(options, pino.destination({ dest: 2, sync: false, minLength: 1 }));
  const { dim, red, yellow } = coloursFor(process.stderr);
  return pino(options, {
    write(line) {
      const { time, level: weight, msg, err, reqId: _, ...rest } = JSON.parse(line);
      const paint = weight >= 50 ? red : weight >= 40 ? yellow : (text: string) => text;
      const words = Object.entries(rest).map(([name, value]) => `${name} ${String(value)}`);
      const reason = err ? `: ${err.message}` : '';
      process.stderr.write(
        `${dim(String(time).slice(11, 19))} ${paint(printable(`${msg}${reason}`))} ${dim(printable(words.join(', ')))}\n`,
      );
    },
  });
}
