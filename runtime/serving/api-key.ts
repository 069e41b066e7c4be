import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { fail } from '../../src/core/errors.ts';

/** Compares keys in a time that tells nothing of them. @throws UNAUTHENTICATED */
export function checkApiKey(key: string, given: string | undefined): void {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  if (given !== undefined && timingSafeEqual(digest(given), digest(key))) return;
  fail(
    'UNAUTHENTICATED',
    given === undefined ? 'an API key is needed' : 'the API key is wrong',
    'Send the header Authorization: Bearer <key>.',
  );
}

export function apiKeyOf(headers: IncomingHttpHeaders): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const own = headers['x-api-key'];
  return bearer ?? (typeof own === 'string' ? own : undefined);
}
