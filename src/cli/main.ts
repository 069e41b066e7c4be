#!/usr/bin/env node
/** The entry of the command line `recurrent`. */
import { CommanderError } from 'commander';
import { createProgram } from './program.ts';
import { reportError } from './report-error.ts';

const args = process.argv.slice(2);
const json = args.slice(0, args.includes('--') ? args.indexOf('--') : undefined).includes('--json');

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
process.on('uncaughtException', (error) => process.exit(reportError(error, { json })));

try {
  await createProgram().parseAsync(args, { from: 'user' });
} catch (error) {
  // Help and version are "errors" of commander with exit status 0.
  if (!(error instanceof CommanderError)) process.exitCode = reportError(error, { json });
}
