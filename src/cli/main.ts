#!/usr/bin/env node
/** The entry of the command line `recurrent`. */
import { CommanderError } from 'commander';
import { fileError } from '../core/files.ts';
import { watchInterrupts } from './interrupt.ts';
import { createProgram } from './program.ts';
import { reportError } from './report-error.ts';

const args = process.argv.slice(2);
const options = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
const json = options.includes('--json');

// A reader that has seen enough (`| head`) is no error: the work goes on, and its exit status is what it would have been.
for (const [name, stream] of [
  ['standard output', process.stdout],
  ['standard error', process.stderr],
] as const) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw fileError(error, name, 'write');
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
