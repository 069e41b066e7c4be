/** Every way in which a request can fail, as one shape of answer: `{ error, code, id }` with the status of the catalogue. */
import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { catalogue, type ErrorCode, RecurrentError } from '../../../src/core/errors.ts';
import { describeFailure, logFailure } from '../failure.ts';
import type { ErrorBody } from './route.ts';

/** Seconds after which a client may try again. */
const retryAfter = 1;

/** Errors of fastify and of its connection that a client can cause, and what they are called here. */
const frameworkErrors: Readonly<Record<string, readonly [ErrorCode, hint: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['REQUEST_TOO_LARGE', 'Send fewer rows in one request.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['MEDIA_TYPE_UNSUPPORTED', 'Send Content-Type: application/json.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['REQUEST_INVALID', 'Send as many bytes as Content-Length says.'],
  ECONNRESET: ['INTERRUPTED', 'The client left before its request was whole.'],
  FST_ERR_BAD_URL: ['REQUEST_INVALID', 'Encode the path as RFC 3986 says.'],
  FST_ERR_MAX_PARAM_LENGTH: ['MODEL_UNKNOWN', 'Names of models have at most 128 letters.'],
};
const ofClient = ['REQUEST_INVALID', 'GET /openapi.json describes the requests.'] as const;
const ofServer = ['INTERNAL', 'Please report this, with what the log says of this id.'] as const;

export function asRecurrentError(error: unknown): RecurrentError {
  if (error instanceof RecurrentError) return error;
  const { code, message, statusCode = 500 } = error as FastifyError;
  const [known, hint] = frameworkErrors[code] ?? (statusCode < 500 ? ofClient : ofServer);
  const told = known === 'INTERNAL' ? 'the server has a fault' : message;
  return new RecurrentError(known, told, hint, { cause: error });
}

/** Answers with the error. */
export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = asRecurrentError(error);
  const http: number = catalogue[known.code].http;
  logFailure(request.log, known, error);
  if (http === 429 || http === 503) reply.header('retry-after', String(retryAfter));
  if (http === 401) reply.header('www-authenticate', 'Bearer');
  const body: ErrorBody = { error: describeFailure(known), code: known.code, id: request.id };
  return reply
    .code(http)
    .header('x-request-id', request.id)
    .header('content-type', 'application/json; charset=utf-8')
    .send(JSON.stringify(body));
}

/** What Node's parser refuses has no request yet. */
export function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [status, what] =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? ['408 Request Timeout', 'the request did not arrive in time']
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? ['431 Request Header Fields Too Large', 'the headers are too large']
        : ['400 Bad Request', 'this is not HTTP'];
  const body = JSON.stringify({ error: what, code: 'REQUEST_INVALID' });
  const head = ['content-type: application/json', `content-length: ${Buffer.byteLength(body)}`, 'connection: close'];
  socket.end(`HTTP/1.1 ${status}\r\n${head.join('\r\n')}\r\n\r\n${body}`);
}
