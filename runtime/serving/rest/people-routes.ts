/** Routes for people and their tools: a plain way to classify, metrics, the OpenAPI document. */
import { z } from 'zod';
import { fail } from '../../../src/core/errors.ts';
import type { Prediction } from '../../predict/prediction.ts';
import { parseJson, parseWith } from '../protocol/request.ts';
import type { Service } from '../service.ts';
import { bodyOf, onGone } from './protocol-routes.ts';
import type { Route } from './route.ts';
import { classificationSchema, schemaOf } from './schemas.ts';

const classifyBody = z
  .strictObject({
    /** One text, or several. */
    text: z.string().optional(),
    texts: z.array(z.string()).min(1).optional(),
    /** By default the only one. */
    model: z.string().optional(),
    version: z.string().optional(),
  })
  .refine(({ text, texts }) => (text === undefined) !== (texts === undefined), 'give text or texts');

export function peopleRoutes(service: Service): Route[] {
  const { repository, metrics, settings } = service;
  return [
    {
      method: 'POST',
      url: '/v1/classify',
      summary: 'Classifies one text, or several',
      body: { 'application/json': schemaOf(classifyBody) },
      answers: { 200: { description: 'The predictions', content: { 'application/json': classificationSchema } } },
      handle: async (request, reply) => {
        const { text, texts = [text as string], ...which } = parseWith(classifyBody, parseJson(bodyOf(request)));
        if (texts.length > settings.maxRows) {
          fail('INPUT_INVALID', `${texts.length} texts are given`, `Give at most ${settings.maxRows} in one request.`);
        }
        const model = repository.get(which.model ?? onlyModel(service), which.version);
        const started = performance.now();
        const predictions = await service.measured<readonly Prediction[]>(
          model,
          ({ length }) => length,
          onGone(reply),
          (signal) => model.classify(texts, signal),
        );
        const milliseconds = Number((performance.now() - started).toFixed(3));
        return { model: model.name, version: String(model.version), milliseconds, predictions };
      },
    },
    {
      method: 'GET',
      url: '/metrics',
      summary: 'Counters in the text form of Prometheus',
      answers: { 200: { description: 'The exposition', content: { 'text/plain': { type: 'string' } } } },
      handle: async (_, reply) => {
        const { text, type } = await metrics.read();
        return reply.type(type).send(text);
      },
    },
  ];
}

function onlyModel({ repository }: Service): string {
  const names = [...new Set(repository.index().map(({ name }) => name))];
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  return fail('REQUEST_INVALID', `the server has ${names.length} models`, `Name one as "model": ${names.join(', ')}.`);
}
