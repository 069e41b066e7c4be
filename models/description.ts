/**
 * A model without its weights, as JSON: checkpoints and ONNX files carry the same description, in one format with
 * one version. Others are refused.
 */
import { z } from 'zod';
import { RecurrentError } from '../src/core/errors.ts';
import { type ModelDescription, type TrainedModel, trainingRecordSchema } from './model.ts';
import { planModel } from './plan.ts';
import { parsedOnce, parseSpec } from './spec.ts';
import { preprocessingSchema } from './text/preprocessing.ts';

/** The format that is written and read. Raise it with each change that older readers would misread. */
export const formatVersion = 1;

/** Throws the error of the file that is read: its code, and what to do. */
export type Refuse = (what: string, cause?: unknown) => never;

/** In one look: a schema for each of many thousand words would take longer than all else. */
const words = z.custom<readonly string[]>(
  (value) => Array.isArray(value) && value.every((each) => typeof each === 'string'),
  'it is no list of strings',
);

const schema = z.strictObject({
  spec: z.unknown(),
  preprocessing: preprocessingSchema,
  labels: z.array(z.string()),
  vocabulary: words,
  training: trainingRecordSchema.nullable(),
});

/** The same model gives the same JSON. */
export function descriptionOf({ spec, preprocessing, labels, vocabulary, training }: TrainedModel) {
  return { spec, preprocessing, labels, vocabulary, training: training ?? null };
}

/** @param format as the file states it */
export function readDescription(format: unknown, contents: object, refuse: Refuse): ModelDescription {
  if (format !== formatVersion) {
    refuse(`it has format ${JSON.stringify(format)}, this version of recurrent-onnx reads ${formatVersion}`);
  }
  const result = schema.safeParse(contents, parsedOnce);
  if (!result.success) {
    const [issue] = result.error.issues;
    return refuse(`${issue?.path.join('.')}: ${issue?.message}`);
  }
  const { spec, training, ...rest } = result.data;
  const description = { ...rest, spec: readSpec(spec, refuse), ...(training && { training }) };
  checkTogether(description, refuse);
  return description;
}

function readSpec(json: unknown, refuse: Refuse): ModelDescription['spec'] {
  try {
    return parseSpec(json);
  } catch (error) {
    if (error instanceof RecurrentError) return refuse(`spec: ${error.message}`, error);
    throw error;
  }
}

/** Checks what no schema of one part can see: that the parts belong together. */
function checkTogether(
  { spec, preprocessing, labels, vocabulary }: Omit<ModelDescription, 'training'>,
  refuse: Refuse,
): void {
  const { head, vocabularySize } = planModel(spec);
  if (labels.length !== head.classes) refuse(`there are ${labels.length} labels for ${head.classes} classes`);
  if (new Set(labels).size !== labels.length) refuse(`a label is there twice: ${labels.join(', ')}`);
  if (new Set(vocabulary).size !== vocabulary.length) refuse('a word of the vocabulary is there twice');
  const { startId, oovId, firstWordId } = preprocessing.tokenizer;
  for (const [name, id] of Object.entries({ startId, oovId, firstWordId })) {
    if (id !== null && id >= vocabularySize) refuse(`${name} is ${id}, the model has ids below ${vocabularySize}`);
  }
}
