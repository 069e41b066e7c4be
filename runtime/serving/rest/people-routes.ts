/** Routes for people and their tools: a plain way to classify, metrics, the OpenAPI document. */
import { z } from 'zod';
import { fail } from '../../../src/core/errors.ts';
import type { Prediction } from '../../predict/prediction.ts';
import { readCard } from '../card.ts';
import { pageHeaders, readPageFiles } from '../page/files.ts';
import type { Service } from '../service.ts';
import { callerOf, jsonOf } from './request.ts';
import { type Route, whileBusy } from './route.ts';
import { cardSchema, classificationSchema, modelListSchema, schemaOf } from './schemas.ts';

const classifyBody = z
  .strictObject({
    /** One text, or several. */
    text: z.string().optional(),
    texts: z.array(z.string()).min(1).optional(),
    /** By default the only one. */
    model: z.string().optional(),
    version: z.string().optional(),
    /** Whether each word's part in the result is told, too. */
    explain: z.boolean().optional(),
  })
  .refine(({ text, texts }) => (text === undefined) !== (texts === undefined), 'give text or texts');

/** Of all texts of a request that are to be explained: the model runs once, and the answer has a line, for each word. */
const explainedLetters = 100_000;

export function peopleRoutes(service: Service): Route[] {
  const { repository, metrics, settings } = service;
  return [
    {
      method: 'POST',
      url: '/v1/classify',
      summary: 'Classifies one text, or several',
      body: { 'application/json': schemaOf(classifyBody) },
      answers: {
        200: { description: 'The predictions', content: { 'application/json': classificationSchema } },
        ...whileBusy,
      },
      handle: async (request, reply) => {
        const { text, texts = [text as string], explain, ...which } = jsonOf(request, classifyBody);
        if (texts.length > settings.maxRows) {
          fail('INPUT_INVALID', `${texts.length} texts are given`, `Give at most ${settings.maxRows} in one request.`);
        }
        const letters = texts.reduce((sum, { length }) => sum + length, 0);
        if (explain && letters > explainedLetters) {
          const hint = `Give at most ${explainedLetters} in one request, or leave explain out.`;
          fail('INPUT_INVALID', `${letters} letters are to be explained`, hint);
        }
        const model = repository.get(which.model ?? onlyModel(service), which.version);
        const started = performance.now();
        const predictions = await service.measured<readonly Prediction[]>(
          model,
          ({ length }) => length,
          callerOf(request, reply),
          async (signal) => {
            const answers = await model.classifier.predictBatch(texts, { signal });
            if (!explain) return answers;
            const explained = [];
            for (const [index, answer] of answers.entries()) {
              const { words } = await model.classifier.explain(texts[index] as string, { signal });
              explained.push({ ...answer, contributions: words });
            }
            return explained;
          },
        );
        const milliseconds = Number((performance.now() - started).toFixed(3));
        return { model: model.name, version: String(model.version), milliseconds, predictions };
      },
    },
    {
      method: 'GET',
      url: '/v1/models',
      summary: 'Names and versions of the models that are ready',
      answers: { 200: { description: 'The models', content: { 'application/json': modelListSchema } } },
      handle: () => {
        const names = [...new Set(repository.models.map(({ name }) => name))];
        return { models: names.map((name) => ({ name, versions: repository.versionsOf(name).map(String) })) };
      },
    },
    {
      method: 'GET',
      url: '/v1/models/:model',
      summary: 'The card of a model: layers, parameters, training, parity',
      answers: { 200: { description: 'The card', content: { 'application/json': cardSchema } } },
      handle: ({ params }) => readCard(repository.get((params as { model: string }).model)),
    },
    ...readPageFiles().map(
      ({ url, type, contents }): Route => ({
        method: 'GET',
        url,
        summary: url === '/' ? 'A page to try the models on' : 'A part of the page',
        open: true,
        answers: { 200: { description: 'The file', content: { [type.split(';')[0] as string]: { type: 'string' } } } },
        handle: (_, reply) => reply.headers(pageHeaders).type(type).send(contents),
      }),
    ),
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
