import { createHash, timingSafeEqual } from 'node:crypto';
import { fail } from '../../src/core/errors.ts';

/** What a client sends to be let in: either of two headers. */
export interface Credentials {
  /** `Bearer <key>` */
  readonly authorization?: string | undefined;
  /** Of `X-API-Key`. */
  readonly apiKey?: string | undefined;
}

/**
 * Compares keys in a time that tells nothing of them.
 * @param key of the server; undefined lets everybody in
 * @throws UNAUTHENTICATED
 */
export function checkApiKey(key: string | undefined, { authorization = '', apiKey }: Credentials): void {
  if (key === undefined) return;
  const given = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? apiKey;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  if (given !== undefined && timingSafeEqual(digest(given), digest(key))) return;
  fail(
    'UNAUTHENTICATED',
    given === undefined ? 'an API key is needed' : 'the API key is wrong',
    'Send the header Authorization: Bearer <key>.',
  );
}
