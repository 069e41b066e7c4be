/**
 * Raw text for Triton: beside the model a second one, in Triton's Python backend, that turns texts into ids, and an
 * ensemble that sends texts through both.
 * https://github.com/triton-inference-server/server/blob/main/docs/user_guide/ensemble_models.md
 * https://github.com/triton-inference-server/python_backend
 */
import { planModel } from '../../models/plan.ts';
import { fail } from '../../src/core/errors.ts';
import { type Files, inFolder, type Served } from './deployment.ts';
import { labelsFile, outputPorts, quoted } from './triton-config.ts';

/** The model that takes texts. */
export const textModelName = (name: string): string => `${name}-text`;

const encoderName = (name: string): string => `${name}-encode`;

/** @throws OPTION_UNSUPPORTED for a model with states */
export function textModels(served: Served, maxBatchSize: number): Files {
  const { metadata, name, states } = served;
  if (states.length > 0) {
    const hint = 'Export without --states, or serve texts in pieces by recurrent deploy kubernetes.';
    fail('OPTION_UNSUPPORTED', '--text: a model with states reads pieces, and an encoder knows whole texts only', hint);
  }
  const { preprocessing, vocabulary, spec } = metadata;
  const { vocabularySize } = planModel(spec);
  return {
    ...inFolder(encoderName(name), {
      'config.pbtxt': encoderConfig(served, maxBatchSize),
      '1/model.py': encoderProgram,
      '1/encoder.json': `${JSON.stringify({ preprocessing, vocabularySize, vocabulary })}\n`,
    }),
    ...inFolder(textModelName(name), {
      'config.pbtxt': ensembleConfig(served, maxBatchSize),
      ...labelsFile(served),
      '1/README.md': `An ensemble has no file of its own: ${encoderName(name)} makes ids of texts, ${name} classifies them.\n`,
    }),
  };
}

const textInput = `input [
  {
    name: "text"
    data_type: TYPE_STRING
    dims: [ 1 ]
  }
]`;

function encoderConfig({ metadata, name }: Served, maxBatchSize: number): string {
  return `name: ${quoted(encoderName(name))}
backend: "python"
max_batch_size: ${maxBatchSize}
${textInput}
output [
  {
    name: "ids"
    data_type: TYPE_INT32
    dims: [ ${metadata.preprocessing.maxLength} ]
  }
]
instance_group [
  {
    kind: KIND_CPU
  }
]
`;
}

function ensembleConfig(served: Served, maxBatchSize: number): string {
  const { name } = served;
  const pass = (kind: 'input_map' | 'output_map', port: string) => `      ${kind} {
        key: "${port}"
        value: "${port}"
      }`;
  const step = (model: string, ...maps: readonly string[]) => `    {
      model_name: ${quoted(model)}
      model_version: -1
${maps.join('\n')}
    }`;
  return `name: ${quoted(textModelName(name))}
platform: "ensemble"
max_batch_size: ${maxBatchSize}
${textInput}
${outputPorts(served)}
ensemble_scheduling {
  step [
${step(encoderName(name), pass('input_map', 'text'), pass('output_map', 'ids'))},
${step(name, pass('input_map', 'ids'), pass('output_map', 'logits'), pass('output_map', 'probabilities'))}
  ]
}
`;
}

/** Needs nothing but what Triton's image has: Python and NumPy. It follows docs/onnx-file.md. */
const encoderProgram = `"""Turns texts into token ids, as the model was trained with. Written by recurrent deploy triton --text."""
import json
import os

import numpy
import triton_python_backend_utils as pb_utils


def make_encoder(preprocessing, vocabularySize, vocabulary):
    """A function from a text to a list of maxLength ids."""
    tokenizer, length = preprocessing["tokenizer"], preprocessing["maxLength"]
    start, unknown = tokenizer["startId"], tokenizer["oovId"]
    known = {word: tokenizer["firstWordId"] + index for index, word in enumerate(vocabulary)}
    known = {word: number for word, number in known.items() if number < vocabularySize}
    spaces = dict.fromkeys(map(ord, tokenizer["filters"]), " ")

    def lower(text):
        if tokenizer["lowercase"] == "unicode":
            return text.lower()
        if tokenizer["lowercase"] == "ascii":
            return "".join(letter.lower() if letter.isascii() else letter for letter in text)
        return text

    def encode(text):
        words = [word for word in lower(text).translate(spaces).split(" ") if word]
        ids = [start, *(known.get(word, unknown) for word in words)]
        ids = [number for number in ids if number is not None]
        ids = ids[-length:] if preprocessing["truncating"] == "pre" else ids[:length]
        zeros = [0] * (length - len(ids))
        return zeros + ids if preprocessing["padding"] == "pre" else ids + zeros

    return encode


class TritonPythonModel:
    def initialize(self, args):
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "encoder.json")
        with open(path, encoding="utf-8") as file:
            self.encode = make_encoder(**json.load(file))

    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        texts = pb_utils.get_input_tensor_by_name(request, "text").as_numpy().ravel()
        try:
            ids = [self.encode(text.decode("utf-8")) for text in texts]
        except UnicodeDecodeError as error:
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(f"a text is no UTF-8: {error}"))
        return pb_utils.InferenceResponse([pb_utils.Tensor("ids", numpy.array(ids, numpy.int32))])
`;
