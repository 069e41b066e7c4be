/** Bodies come as bytes, unpacked if they were packed: whatever they hold, they are no larger than the limit. */
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { fail } from '../../../src/core/errors.ts';

const unpackers = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const;

/** The protocol's clients send JSON, JSON with binary tensors behind it, or do not say what they send. */
const mediaTypes = ['application/json', 'application/octet-stream'];

export function acceptBodies(app: FastifyInstance, maxBytes: number): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (request: FastifyRequest, body: Buffer) =>
    readBody(request, body, maxBytes),
  );
}

async function readBody({ headers }: FastifyRequest, body: Buffer, maxBytes: number): Promise<Buffer> {
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== undefined && !mediaTypes.includes(type)) {
    fail('MEDIA_TYPE_UNSUPPORTED', `Content-Type is ${type}`, `Send ${mediaTypes.join(' or ')}.`);
  }
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity') return body;
  if (encoding !== 'gzip' && encoding !== 'deflate') {
    fail('MEDIA_TYPE_UNSUPPORTED', `Content-Encoding is ${encoding}`, 'Send gzip, deflate or none.');
  }
  try {
    return await unpackers[encoding](body, { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      fail('REQUEST_TOO_LARGE', `the body unpacks to more than ${maxBytes} bytes`, 'Send fewer rows in one request.');
    }
    return fail('REQUEST_INVALID', `the body is no ${encoding}: ${(error as Error).message}`, 'Pack it anew.', error);
  }
}
