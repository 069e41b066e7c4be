/** JSON schemas of what the routes answer, for the OpenAPI document. */
import { z } from 'zod';
import { paritySchema } from '../card.ts';
import { datatypes } from '../protocol/tensor.ts';

/** What a client may send by a schema; what the protocol cannot say in JSON schema is left open. */
export function schemaOf(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}

const text = { type: 'string' } as const;
const texts = { type: 'array', items: text } as const;
const object = (properties: Readonly<Record<string, object>>, required = Object.keys(properties)) =>
  ({ type: 'object', properties, required }) as const;

const tensorMetadata = object({
  name: text,
  datatype: { enum: datatypes },
  shape: { type: 'array', items: { type: 'integer' } },
});
const listOf = (items: object) => ({ type: 'array', items }) as const;

export const metadataSchema = object({ name: text, version: text, extensions: texts });

export const modelMetadataSchema = object({
  name: text,
  versions: texts,
  platform: text,
  inputs: listOf(tensorMetadata),
  outputs: listOf(tensorMetadata),
});

export const inferenceSchema = object(
  {
    model_name: text,
    model_version: text,
    id: text,
    outputs: listOf(
      object(
        {
          name: text,
          datatype: { enum: ['FP32', 'BYTES'] },
          shape: { type: 'array', items: { type: 'integer' } },
          parameters: object({ binary_data_size: { type: 'integer' } }),
          data: { type: 'array', items: { anyOf: [{ type: 'number' }, text] } },
        },
        ['name', 'datatype', 'shape'],
      ),
    ),
  },
  ['model_name', 'model_version', 'outputs'],
);

export const indexSchema = listOf(
  object({ name: text, version: text, state: { enum: ['READY', 'LOADING', 'UNAVAILABLE'] }, reason: text }),
);

export const errorSchema = object({ error: text, code: text, id: text });

const probability = { type: 'number', minimum: 0, maximum: 1 } as const;
const prediction = {
  label: text,
  probability,
  scores: { type: 'object', additionalProperties: probability },
  words: { type: 'integer' },
  knownWords: { type: 'integer' },
  contributions: listOf(
    object({
      word: text,
      start: { type: 'integer' },
      end: { type: 'integer' },
      known: { type: 'boolean' },
      contribution: { type: 'number' },
    }),
  ),
} as const;

export const modelListSchema = object({ models: listOf(object({ name: text, versions: texts })) });

const whole = { type: 'integer' } as const;

export const cardSchema = object({
  name: text,
  version: text,
  labels: texts,
  layers: listOf(object({ layer: text, shape: text, parameters: whole })),
  parameters: whole,
  spec: { type: 'object', additionalProperties: true },
  facts: { type: 'object', additionalProperties: { type: ['string', 'number'] } },
  history: listOf({ type: 'object', additionalProperties: { type: ['number', 'null'] } }),
  parity: { anyOf: [schemaOf(paritySchema), { type: 'null' }] },
});

export const classificationSchema = object({
  model: text,
  version: text,
  milliseconds: { type: 'number' },
  predictions: listOf(object(prediction, ['label', 'probability', 'scores', 'words', 'knownWords'])),
});
