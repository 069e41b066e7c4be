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
    components: {
      schemas: { Error: errorSchema },
      ...(secured && { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } }),
    },
  };
}

function operation({ method, url, summary, open, body, answers }: Route, secured: boolean): object {
  const parameters = [...url.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  return {
    operationId: `${method.toLowerCase()}${url.replaceAll(/[^a-zA-Z0-9]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { content: contentOf(body) } }),
    responses: Object.fromEntries(
      Object.entries<Answer>({ ...errorsOf(method, open === true), ...answers }).map(([status, answer]) => [
        status,
        { description: answer.description, ...contentField(Number(status), answer.content) },
      ]),
    ),
    ...(secured && !open && { security: [{ key: [] }] }),
  };
}

function errorsOf(method: Route['method'], open: boolean): Record<string, Answer> {
  return Object.fromEntries(
    Object.entries(everyRoute)
      .filter(([status]) => !(open && status === '401') && (method === 'POST' || !['413', '415'].includes(status)))
      .map(([status, description]) => [status, { description }]),
  );
}

function contentField(status: number, content: Readonly<Record<string, object>> | undefined) {
  if (content) return { content: contentOf(content) };
  return status < 400 ? {} : { content: contentOf({ 'application/json': { $ref: '#/components/schemas/Error' } }) };
}

function contentOf(schemas: Readonly<Record<string, object>>): object {
  return Object.fromEntries(Object.entries(schemas).map(([type, schema]) => [type, { schema }]));
}
