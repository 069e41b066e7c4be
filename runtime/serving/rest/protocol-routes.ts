/** The routes of the Open Inference Protocol, with its model repository extension. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { modelMetadata, serverMetadata } from '../protocol/metadata.ts';
import { readJsonLength, readRequest, requestSchema } from '../protocol/request.ts';
import { writeResponse } from '../protocol/response.ts';
import type { Service } from '../service.ts';
import { bytesOf, callerOf, jsonOf } from './request.ts';
import { type Route, whileBusy } from './route.ts';
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

export function protocolRoutes(service: Service): Route[] {
  return [
    ...serverRoutes(service),
    ...modelRoutes(service, '/v2/models/:model', 'the highest version that is ready'),
    ...modelRoutes(service, '/v2/models/:model/versions/:version', 'this version'),
    ...repositoryRoutes(service),
  ];
}

function serverRoutes(service: Service): Route[] {
  return [
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
}

/** @param which version of a model they are of, in words */
function modelRoutes(service: Service, prefix: string, which: string): Route[] {
  const { repository } = service;
  const modelOf = (request: FastifyRequest) => {
    const { model, version } = paramsOf(request);
    return repository.get(model, version);
  };
  return [
    {
      method: 'GET',
      url: prefix,
      summary: `What ${which} of a model takes and gives`,
      answers: ok('The metadata', modelMetadataSchema),
      handle: (request) => {
        const model = modelOf(request);
        return modelMetadata(model, repository.versionsOf(model.name));
      },
    },
    {
      method: 'GET',
      url: `${prefix}/ready`,
      summary: `Whether ${which} of a model is ready`,
      answers: { ...ok('It is', modelReady), 503: notReady('It is being loaded, or was taken out', modelReady) },
      handle: (request, reply) => {
        const { model: name, version } = paramsOf(request);
        return answerReady(reply, service.isReady(name, version), { name });
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
        const jsonLength = readJsonLength(request.headers['inference-header-content-length']);
        const inferRequest = readRequest(bytesOf(request), jsonLength);
        const response = await service.infer(modelOf(request), inferRequest, callerOf(request, reply));
        const written = writeResponse(response, inferRequest);
        if (written.jsonLength === undefined) return reply.type(json).send(written.body);
        reply.type(binary).header('inference-header-content-length', String(written.jsonLength));
        return reply.send(written.body);
      },
    },
  ];
}

const indexBody = z.strictObject({ ready: z.boolean().optional() });

/** Triton's clients can send another configuration and other files, which this server does not take. */
const controlBody = z.strictObject({
  parameters: z.strictObject({ unload_dependents: z.boolean().optional() }).optional(),
});

const notControlled = { 403: { description: 'The server was not started with --model-control' } } as const;

function repositoryRoutes(service: Service): Route[] {
  const { repository } = service;
  const control = (action: 'load' | 'unload', summary: string): Route => ({
    method: 'POST',
    url: `/v2/repository/models/:model/${action}`,
    summary,
    body: { [json]: schemaOf(controlBody) },
    bodyOptional: true,
    answers: { ...ok('It is done', { type: 'object' }), ...notControlled },
    handle: async (request, reply) => {
      service.checkModelControl();
      if (request.body) jsonOf(request, controlBody);
      await repository[action](paramsOf(request).model);
      return reply.type(json).send('{}');
    },
  });
  return [
    {
      method: 'POST',
      url: '/v2/repository/index',
      summary: 'Every model and version with its state',
      body: { [json]: schemaOf(indexBody) },
      bodyOptional: true,
      answers: { ...ok('The index', indexSchema), ...notControlled },
      handle: (request) => {
        service.checkModelControl();
        const { ready } = request.body ? jsonOf(request, indexBody) : {};
        return repository.index().filter(({ state }) => !ready || state === 'READY');
      },
    },
    control('load', "Opens a model's files anew"),
    control('unload', 'Takes a model out of service'),
  ];
}

function paramsOf({ params }: FastifyRequest) {
  return params as { readonly model: string; readonly version?: string };
}

function answerReady(reply: FastifyReply, ready: boolean, more: object): object {
  if (!ready) reply.code(503).header('retry-after', '1');
  return { ...more, ready };
}
