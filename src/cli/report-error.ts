import { catalogue, RecurrentError } from '../core/errors.ts';
import { printable } from './terminal/format.ts';
import { coloursFor, redraws } from './terminal/terminal.ts';

/** Prints `error` on standard error. @returns the exit status of the catalogue */
export function reportError(error: unknown, { json }: { readonly json: boolean }): number {
  const known = toRecurrentError(error);
  if (redraws(process.stderr)) process.stderr.write('\r\x1b[K'); // what a progress bar may have left on the line
  process.stderr.write(`${json ? JSON.stringify({ error: known }) : describe(known)}\n`);
  if (process.env.DEBUG === 'recurrent' && error instanceof Error) process.stderr.write(`${traceOf(error)}\n`);
  return catalogue[known.code].exit;
}

function describe({ code, message, hint }: RecurrentError): string {
  const { red, dim } = coloursFor(process.stderr);
  return `${red('error')} ${dim(code)} ${printable(message)}\n${dim('hint')}  ${printable(hint)}`;
}

function toRecurrentError(error: unknown): RecurrentError {
  if (error instanceof RecurrentError) return error;
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const hint =
    'This is a fault of recurrent-onnx: please report it with the command that you ran and what it prints with DEBUG=recurrent.';
  return new RecurrentError('INTERNAL', message, hint, { cause: error });
}

function traceOf(error: Error): string {
  const trace = error.stack ?? error.message;
  return error.cause instanceof Error ? `${trace}\ncaused by ${traceOf(error.cause)}` : trace;
}
