/** A request of the protocol on a served model. */
import { fail } from '../../../src/core/errors.ts';
import { indexOfLargest, probabilitiesByClass } from '../../predict/prediction.ts';
import type { Outputs, ServedModel } from '../served-model.ts';
import type { InferRequest, RequestedOutput } from './request.ts';
import type { InferResponse } from './response.ts';
import { readSequence, type SequencePiece } from './sequence.ts';
import { type InputTensor, type OutputTensor, type Parameters, readIds, readTexts } from './tensor.ts';

export interface InferLimits {
  /** Rows of one request. */
  readonly maxRows: number;
  /** Rows that may wait: a request of more could never be taken. */
  readonly maxQueue: number;
}

/**
 * @throws REQUEST_INVALID, INPUT_INVALID, OPTION_UNSUPPORTED, SEQUENCE_UNKNOWN, SEQUENCES_FULL, QUEUE_FULL, INTERRUPTED,
 * RUNTIME_FAILED, RUNTIME_LOST
 */
export async function infer(
  model: ServedModel,
  request: InferRequest,
  limits: InferLimits,
  signal: AbortSignal,
): Promise<InferResponse> {
  checkParameters(request.parameters);
  const write = outputWriters(model, request.outputs);
  const piece = readSequence(request.parameters);
  const outputs = await (piece
    ? readPiece(model, request.inputs, piece, signal)
    : run(model, request.inputs, limits, signal));
  return {
    modelName: model.name,
    modelVersion: String(model.version),
    id: request.id,
    outputs: write.map((writer) => writer(outputs)),
  };
}

/** Microseconds until the answer is of no use any more, if the request says so. @throws REQUEST_INVALID */
export function timeoutOf({ parameters: { timeout } }: InferRequest): number | undefined {
  if (timeout === undefined) return undefined;
  const microseconds = Number(timeout); // tritonclient writes a number, others a text
  if (timeout !== '' && Number.isSafeInteger(microseconds) && microseconds >= 0) return microseconds;
  return fail('REQUEST_INVALID', `timeout is ${String(timeout)}`, 'Give whole microseconds.');
}

function onlyInput(inputs: readonly InputTensor[]): InputTensor {
  const [input, ...others] = inputs;
  if (input !== undefined && others.length === 0) return input;
  return fail('INPUT_INVALID', `${inputs.length} inputs are given`, 'Give one: text or ids.');
}

/** A piece of a text: one row. */
async function readPiece(
  model: ServedModel,
  inputs: readonly InputTensor[],
  piece: SequencePiece,
  signal: AbortSignal,
): Promise<Outputs> {
  const input = onlyInput(inputs);
  if (input.name !== 'text' || input.shape.some((size) => size !== 1) || input.shape.length > 2) {
    fail(
      'INPUT_INVALID',
      `a piece of sequence ${piece.id} is input ${input.name} of shape [${input.shape.join(', ')}]`,
      'It is input text of shape [1] or [1, 1].',
    );
  }
  const [text] = readTexts(input);
  return { rows: 1, ...(await model.sequences.read(piece, text as string, signal)) };
}

function run(model: ServedModel, inputs: readonly InputTensor[], limits: InferLimits, signal: AbortSignal) {
  const input = onlyInput(inputs);
  const { name, shape } = input;
  const [rows = 0, time = 1] = shape;
  const most = Math.min(limits.maxRows, limits.maxQueue);
  if (rows > most) fail('INPUT_INVALID', `input ${name} has ${rows} rows`, `Give at most ${most} in one request.`);
  switch (name) {
    case 'text':
      if (shape.length > 2 || time !== 1) refuseShape(input, '[rows] or [rows, 1]');
      return model.runTexts(readTexts(input), signal);
    case 'ids':
      if (shape.length !== 2) refuseShape(input, '[rows, time]');
      if (time > model.maxTime) fail('INPUT_INVALID', `input ids has ${time} steps`, `Give at most ${model.maxTime}.`);
      return model.runIds(readIds(input), rows, time, signal);
    default:
      return fail('INPUT_INVALID', `the model has no input ${name}`, 'Give text (BYTES) or ids (INT32, INT64).');
  }
}

function refuseShape({ name, shape }: InputTensor, expected: string): never {
  fail('INPUT_INVALID', `input ${name} has the shape [${shape.join(', ')}]`, `It is ${expected}.`);
}

const knownParameters: readonly string[] = [
  'timeout',
  'binary_data_output',
  'content_type', // what MLServer's clients call the kind of their data
  'sequence_id',
  'sequence_start',
  'sequence_end',
];

/** What is asked of a whole request; the rest would be ignored, and so is refused. */
function checkParameters(parameters: Parameters): void {
  for (const [name, value] of Object.entries(parameters)) {
    if (knownParameters.includes(name)) continue;
    if (name === 'priority' && Number(value) === 0) continue; // every request has the same
    fail(
      'OPTION_UNSUPPORTED',
      `the request has the parameter ${name}`,
      'timeout, binary_data_output, sequence_id, sequence_start, sequence_end and priority 0 are taken.',
    );
  }
}

type Writer = (outputs: Outputs) => OutputTensor;

function outputWriters(model: ServedModel, requested: readonly RequestedOutput[] | undefined): Writer[] {
  const { labels } = model.classifier;
  const columns = model.plan.head.outputs;
  const writers: Readonly<Record<string, Writer>> = {
    label: (outputs) => ({
      name: 'label',
      datatype: 'BYTES',
      shape: [outputs.rows],
      data: scoresOf(outputs).map((scores) => labels[indexOfLargest(scores)] as string),
    }),
    probability: (outputs) => ({
      name: 'probability',
      datatype: 'FP32',
      shape: [outputs.rows],
      data: Float32Array.from(scoresOf(outputs), (scores) => scores[indexOfLargest(scores)] as number),
    }),
    probabilities: ({ rows, probabilities }) => ({
      name: 'probabilities',
      datatype: 'FP32',
      shape: [rows, columns],
      data: probabilities,
    }),
    logits: ({ rows, logits }) => ({ name: 'logits', datatype: 'FP32', shape: [rows, columns], data: logits }),
  };
  const asked: readonly RequestedOutput[] = requested?.length
    ? requested
    : Object.keys(writers).map((name) => ({ name, parameters: {} }));
  const names = asked.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) fail('INPUT_INVALID', `output ${twice} is asked for twice`, 'Name each output once.');
  return asked.map(({ name, parameters }) => {
    const writer = Object.hasOwn(writers, name) ? writers[name] : undefined;
    if (writer === undefined) {
      return fail('INPUT_INVALID', `the model has no output ${name}`, `It has ${Object.keys(writers).join(', ')}.`);
    }
    const { binary_data: _, classification, content_type: __, ...others } = parameters;
    const [unknown] = Object.keys(others);
    if (unknown !== undefined) {
      fail(
        'OPTION_UNSUPPORTED',
        `output ${name} has the parameter ${unknown}`,
        'binary_data and classification are taken.',
      );
    }
    return classification === undefined ? writer : classWriter(labels, name, classification);
  });
}

/** Triton's classification extension: the k most probable classes of each row as `probability:index:label`. */
function classWriter(labels: readonly string[], name: string, given: unknown): Writer {
  const k = Number(given);
  if (!Number.isSafeInteger(k) || k < 1) {
    fail('INPUT_INVALID', `classification of ${name} is ${String(given)}`, 'Give a number of classes.');
  }
  if (name !== 'probabilities') {
    fail('OPTION_UNSUPPORTED', `output ${name} cannot be classified`, 'Ask for classification of probabilities.');
  }
  const shown = Math.min(k, labels.length);
  return (outputs) => ({
    name,
    datatype: 'BYTES',
    shape: [outputs.rows, shown],
    data: scoresOf(outputs).flatMap((scores) =>
      [...scores.entries()]
        .sort(([, a], [, b]) => b - a)
        .slice(0, shown)
        .map(([index, score]) => `${score.toFixed(6)}:${index}:${labels[index]}`),
    ),
  });
}

/** The probability of every class, row by row. */
function scoresOf({ rows, probabilities }: Outputs): number[][] {
  const columns = probabilities.length / rows;
  return Array.from({ length: rows }, (_, row) =>
    probabilitiesByClass(probabilities.subarray(row * columns, (row + 1) * columns)),
  );
}
