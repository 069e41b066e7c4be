#!/usr/bin/env node
/** The entry of the command line `recurrent`. */
import { CommanderError } from 'commander';
import { watchInterrupts } from './interrupt.ts';
import { createProgram } from './program.ts';
import { reportError } from './report-error.ts';

const args = process.argv.slice(2);
const options = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
const json = options.includes('--json');

// A reader that has seen enough (`| head`) is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}
process.on('uncaughtException', (error) => process.exit(reportError(error, { json })));
watchInterrupts({ json });

try {
  await createProgram().parseAsync(args, { from: 'user' });
} catch (error) {
  // Commander reports help and version as errors of status 0.
  if (!(error instanceof CommanderError)) process.exitCode = reportError(error, { json });
}
