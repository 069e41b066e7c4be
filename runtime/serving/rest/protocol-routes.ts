/** The routes of the Open Inference Protocol, with its model repository extension. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { catalogue, fail, RecurrentError } from '../../../src/core/errors.ts';
import { modelMetadata, serverMetadata } from '../protocol/metadata.ts';
import { parseJson, parseWith, readJsonLength, readRequest, requestSchema } from '../protocol/request.ts';
import { writeResponse } from '../protocol/response.ts';
import type { OnGone, Service } from '../service.ts';
import type { Route } from './route.ts';
import { indexSchema, inferenceSchema, metadataSchema, modelMetadataSchema, schemaOf } from './schemas.ts';

const json = 'application/json';
const binary = 'application/octet-stream';

const bytes = { contentMediaType: binary } as const;
const binaryLength = {
  'Inference-Header-Content-Length': { type: 'integer', description: 'Bytes of JSON, where binary tensors follow it' },
} as const;
const flag = (name: string, more: Readonly<Record<string, object>> = {}) =>
  ({ type: 'object', properties: { ...more, [name]: { type: 'boolean' } }, required: [name] }) as const;
const modelReady = flag('ready', { name: { type: 'string' } });
const notReady = (description: string, schema: object) => ({ description, content: { [json]: schema } });
const ok = (description: string, schema: object) => ({ 200: { description, content: { [json]: schema } } });

/** What else befalls a request that runs a model. */
export const whileBusy = {
  429: { description: 'Too many rows are waiting' },
  504: { description: 'The deadline has passed' },
} as const;

const indexBody = z.strictObject({ ready: z.boolean().optional() });

/** Triton's clients can send another configuration and other files, which this server does not take. */
const controlBody = z.strictObject({
  parameters: z.strictObject({ unload_dependents: z.boolean().optional() }).optional(),
});

export function protocolRoutes(service: Service): Route[] {
  const { repository, settings } = service;
  const routes: Route[] = [
    {
      method: 'GET',
      url: '/v2/health/live',
      summary: 'Whether the server runs',
      open: true,
      answers: ok('It does', flag('live')),
      handle: () => ({ live: true }),
    },
    {
      method: 'GET',
      url: '/v2/health/ready',
      summary: 'Whether every model of the start is loaded and warm, and the server is not stopping',
      open: true,
      answers: { ...ok('It is', flag('ready')), 503: notReady('It is not yet, or not any more', flag('ready')) },
      handle: (_, reply) => answerReady(reply, service.ready, {}),
    },
    {
      method: 'GET',
      url: '/v2',
      summary: 'Name, version and extensions of the server',
      answers: ok('The metadata', metadataSchema),
      handle: () => serverMetadata,
    },
  ];

  for (const prefix of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    const which = prefix.includes(':version') ? 'this version' : 'the highest version that is ready';
    routes.push(
      {
        method: 'GET',
        url: prefix,
        summary: `What ${which} of a model takes and gives`,
        answers: ok('The metadata', modelMetadataSchema),
        handle: (request) => {
          const model = modelOf(service, request);
          return modelMetadata(model, repository.versionsOf(model.name));
        },
      },
      {
        method: 'GET',
        url: `${prefix}/ready`,
        summary: `Whether ${which} of a model is ready`,
        answers: { ...ok('It is', modelReady), 503: notReady('It is being loaded, or was taken out', modelReady) },
        handle: (request, reply) => {
          const { model: name } = request.params as ModelParams;
          return answerReady(
            reply,
            isReady(() => modelOf(service, request)),
            { name },
          );
        },
      },
      {
        method: 'POST',
        url: `${prefix}/infer`,
        summary: `Classifies rows by ${which} of a model`,
        body: { [json]: schemaOf(requestSchema), [binary]: bytes },
        headers: binaryLength,
        answers: {
          200: {
            description: 'The outputs, in JSON or binary form',
            content: { [json]: inferenceSchema, [binary]: bytes },
            headers: binaryLength,
          },
          ...whileBusy,
        },
        handle: async (request, reply) => {
          const inferRequest = readRequest(
            bodyOf(request),
            readJsonLength(request.headers['inference-header-content-length']),
          );
          const response = await service.infer(modelOf(service, request), inferRequest, onGone(reply));
          const { body, jsonLength } = writeResponse(response, inferRequest);
          if (jsonLength === undefined) return reply.type(json).send(body);
          return reply.type(binary).header('inference-header-content-length', String(jsonLength)).send(body);
        },
      },
    );
  }

  const controlled = <T>(work: () => T): T => {
    if (settings.modelControl) return work();
    return fail(
      'MODEL_CONTROL_OFF',
      'this server does not let clients manage its models',
      'Start it with --model-control.',
    );
  };
  routes.push(
    {
      method: 'POST',
      url: '/v2/repository/index',
      summary: 'Every model and version with its state',
      body: { [json]: schemaOf(indexBody) },
      bodyOptional: true,
      answers: {
        ...ok('The index', indexSchema),
        403: { description: 'The server was not started with --model-control' },
      },
      handle: (request) =>
        controlled(() => {
          const { ready } = request.body ? parseWith(indexBody, parseJson(bodyOf(request))) : {};
          return repository.index().filter(({ state }) => !ready || state === 'READY');
        }),
    },
    ...(['load', 'unload'] as const).map(
      (action): Route => ({
        method: 'POST',
        url: `/v2/repository/models/:model/${action}`,
        summary: action === 'load' ? "Opens a model's files anew" : 'Takes a model out of service',
        body: { [json]: schemaOf(controlBody) },
        bodyOptional: true,
        answers: {
          ...ok('It is done', { type: 'object' }),
          403: { description: 'The server was not started with --model-control' },
        },
        handle: async (request, reply) => {
          await controlled(() => {
            checkControl(request);
            return repository[action]((request.params as ModelParams).model);
          });
          return reply.type(json).send('{}');
        },
      }),
    ),
  );
  return routes;
}

interface ModelParams {
  readonly model: string;
  readonly version?: string;
}

function modelOf({ repository }: Service, { params }: FastifyRequest) {
  const { model, version } = params as ModelParams;
  return repository.get(model, version);
}

export function bodyOf({ body }: FastifyRequest): Buffer {
  return body instanceof Buffer ? body : fail('REQUEST_INVALID', 'the request has no body', 'Send JSON.');
}

/** A client that closes its connection before it has its answer is gone. */
export function onGone(reply: FastifyReply): OnGone {
  return (leave) => {
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) leave();
    });
  };
}

function answerReady(reply: FastifyReply, ready: boolean, more: object): object {
  if (!ready) reply.code(503).header('retry-after', '1');
  return { ...more, ready };
}

/** A model that is unknown is no matter of readiness. */
function isReady(get: () => unknown): boolean {
  try {
    get();
    return true;
  } catch (error) {
    if (error instanceof RecurrentError && catalogue[error.code].http === 503) return false;
    throw error;
  }
}

function checkControl(request: FastifyRequest): void {
  if (request.body) parseWith(controlBody, parseJson(bodyOf(request)));
}
