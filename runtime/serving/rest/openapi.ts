/** The HTTP interface as an OpenAPI 3.1 document, from the routes themselves. */
import { producer } from '../../../models/metadata/producer.ts';
import type { Answer, Route } from './route.ts';
import { errorSchema } from './schemas.ts';

const everyRoute: Readonly<Record<number, string>> = {
  400: 'The request is not what the route takes',
  401: 'The server was started with an API key, and this is not it',
  404: 'There is no such model or version',
  413: 'The body is too large',
  415: 'The body is of a type or packed in a way that is not taken',
  500: 'A fault of the server, in its log under the same id',
  503: 'The model is not ready, or the server is stopping',
};

/** Headers of answers by their status, beside X-Request-Id, which all have. */
const headersOf: Readonly<Record<number, readonly string[]>> = {
  401: ['WWW-Authenticate'],
  429: ['Retry-After'],
  503: ['Retry-After'],
};

const headers = {
  'X-Request-Id': { description: 'Of this request, as in the log', schema: { type: 'string', format: 'uuid' } },
  'Retry-After': { description: 'Seconds after which to ask again', schema: { type: 'integer' } },
  'WWW-Authenticate': { description: 'Bearer', schema: { type: 'string' } },
} as const;

/** Either of them is enough. */
const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer' },
  header: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
} as const;

export function openApiDocument(routes: readonly Route[], secured: boolean): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = route.url.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, secured) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'recurrent serve',
      version: producer.version,
      description: 'Text classifiers over the Open Inference Protocol, version 2.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: { schemas: { Error: errorSchema }, headers, ...(secured && { securitySchemes }) },
  };
}

function operation(route: Route, secured: boolean): object {
  const { method, url, summary, body, bodyOptional } = route;
  const keyed = secured && route.open !== true;
  const parameters = parametersOf(route);
  const answers = Object.entries<Answer>({ ...errorsOf(method, keyed), ...route.answers });
  return {
    operationId: `${method.toLowerCase()}${url.replaceAll(/[^a-zA-Z0-9]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: !bodyOptional, content: contentOf(body) } }),
    responses: Object.fromEntries(answers.map(([status, answer]) => [status, response(Number(status), answer)])),
    ...(keyed && { security: Object.keys(securitySchemes).map((name) => ({ [name]: [] })) }),
  };
}

function parametersOf({ url, headers = {} }: Route): object[] {
  return [
    ...[...url.matchAll(/:(\w+)/g)].map(([, name]) => ({
      ...{ name, in: 'path', required: true },
      schema: { type: 'string' },
    })),
    ...Object.entries(headers).map(([name, schema]) => ({ name, in: 'header', schema })),
  ];
}

/** The errors that every route of this method has. */
function errorsOf(method: Route['method'], keyed: boolean): Record<string, Answer> {
  return Object.fromEntries(
    Object.entries(everyRoute)
      .filter(([status]) => (keyed || status !== '401') && (method === 'POST' || !['413', '415'].includes(status)))
      .map(([status, description]) => [status, { description }]),
  );
}

/** An error has the form of all errors, unless the answer says otherwise. */
function response(status: number, { description, content, headers: own = {} }: Answer): object {
  const names = ['X-Request-Id', ...(headersOf[status] ?? [])];
  const body = content ?? { 'application/json': { $ref: '#/components/schemas/Error' } };
  return {
    description,
    headers: {
      ...Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }])),
      ...Object.fromEntries(Object.entries(own).map(([name, schema]) => [name, { schema }])),
    },
    content: contentOf(body),
  };
}

function contentOf(schemas: Readonly<Record<string, object>>): object {
  return Object.fromEntries(Object.entries(schemas).map(([type, schema]) => [type, { schema }]));
}
