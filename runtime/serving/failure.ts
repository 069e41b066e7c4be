/** What the log and the client hear of a request that failed, over REST and gRPC alike. */
import type { BaseLogger } from 'pino';
import { catalogue, type RecurrentError } from '../../src/core/errors.ts';

/** What is no mistake of the client is logged; faults with their stack. */
export function logFailure(log: Pick<BaseLogger, 'error' | 'warn'>, known: RecurrentError, error: unknown): void {
  const { code, message } = known;
  const status: number = catalogue[code].http;
  if (status === 500) log.error({ err: error, code }, 'a request failed');
  else if (status > 500 && code !== 'INTERRUPTED') log.warn({ code, reason: message }, 'a request was not answered');
}

/** The message may hold what the client has sent, however long that is: gRPC sends it in a header. */
const longest = 1000;

export function describeFailure({ message, hint }: RecurrentError): string {
  const short = message.length > longest ? `${message.slice(0, longest).replace(/[\ud800-\udbff]$/, '')}…` : message;
  return `${short}. ${hint}`;
}
