/** A route of the HTTP interface: what it does, and what the OpenAPI document says of it. */
import type { FastifyReply, FastifyRequest } from 'fastify';

export interface Route {
  readonly method: 'GET' | 'POST';
  /** With parameters as `:name`. */
  readonly url: string;
  readonly summary: string;
  /** Whether it is open without the API key. */
  readonly open?: boolean;
  /** JSON schemas by media type; absent where no body is read. */
  readonly body?: Readonly<Record<string, object>>;
  /** Whether the body may be left out. */
  readonly bodyOptional?: boolean;
  /** Schemas of the headers that it reads. */
  readonly headers?: Readonly<Record<string, object>>;
  /** What it answers when all is well, and errors of its own beside those that every route has. */
  readonly answers: Readonly<Record<number, Answer>>;
  readonly handle: (request: FastifyRequest, reply: FastifyReply) => unknown;
}

export interface Answer {
  readonly description: string;
  readonly content?: Readonly<Record<string, object>>;
  /** Schemas of headers that it may have, beside those of every answer. */
  readonly headers?: Readonly<Record<string, object>>;
}

/** What else befalls a request that runs a model. */
export const whileBusy = {
  429: { description: 'Too many rows are waiting' },
  504: { description: 'The deadline has passed' },
} as const;

/** The body of every error. */
export interface ErrorBody {
  /** What was wrong, and what to do. */
  readonly error: string;
  /** Of docs/errors.md. */
  readonly code: string;
  /** Of the request, as in the log and in the header x-request-id. */
  readonly id: string;
}
