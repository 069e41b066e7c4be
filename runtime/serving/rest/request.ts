/** What routes take from a request. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { fail } from '../../../src/core/errors.ts';
import { parseJson, parseWith } from '../protocol/request.ts';
import type { Caller } from '../service.ts';

/** @throws REQUEST_INVALID where there is none */
export function bytesOf({ body }: FastifyRequest): Buffer {
  return body instanceof Buffer ? body : fail('REQUEST_INVALID', 'the request has no body', 'Send JSON.');
}

/** @throws REQUEST_INVALID naming the field that is wrong */
export function jsonOf<Schema extends z.ZodType>(request: FastifyRequest, schema: Schema): z.output<Schema> {
  return parseWith(schema, parseJson(bytesOf(request)));
}

/** A client that closes its connection before it has its answer is gone. */
export function callerOf({ headers }: FastifyRequest, { raw }: FastifyReply): Caller {
  return {
    headers,
    onGone: (leave) => {
      raw.once('close', () => {
        if (!raw.writableFinished) leave();
      });
    },
  };
}
