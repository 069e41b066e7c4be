/**
 * The model repository of NVIDIA's Triton Inference Server. Its ONNX Runtime backend runs the file as it is, which takes
 * token ids: the graph has no tokenizer in it. A model of Triton's Python backend can make them of texts.
 * https://github.com/triton-inference-server/server/blob/main/docs/user_guide/model_configuration.md
 */

import { finalState, initialState } from '../../models/onnx-state-names.ts';
import { type Deployment, type Files, inFolder, type Served } from './deployment.ts';
import { labelsFile, outputPorts, quoted } from './triton-config.ts';
import { textModelName, textModels } from './triton-text.ts';

export interface TritonOptions {
  readonly maxBatchSize: number;
  readonly maxQueueDelayMicroseconds: number;
  /** Whether a second model takes raw text. */
  readonly text: boolean;
}

export function modelRepository(served: Served, options: TritonOptions): Files {
  const { onnx, name } = served;
  const model = inFolder(name, {
    'config.pbtxt': configText(served, options),
    ...labelsFile(served),
    '1/model.onnx': onnx,
  });
  return options.text ? { ...model, ...textModels(served, options.maxBatchSize) } : model;
}

export function tritonDeployment(served: Served, options: TritonOptions): Deployment {
  return {
    files: inFolder('model-repository', modelRepository(served, options)),
    takesText: options.text,
    next: [`tritonserver --model-repository=model-repository${textNote(served, options)}`],
  };
}

/** Which of the models takes texts. */
export function textNote({ name }: Served, { text }: TritonOptions): string {
  return text ? ` # model ${textModelName(name)} takes texts, ${name} ids` : '';
}

/** A message `ModelConfig` of Triton's model_config.proto in protobuf's text format. */
function configText(served: Served, options: TritonOptions): string {
  const { metadata, name, states } = served;
  const { labels, preprocessing } = metadata;
  return `name: ${quoted(name)}
backend: "onnxruntime"
max_batch_size: ${options.maxBatchSize}
input [
  {
    name: "ids"
    data_type: TYPE_INT32
    dims: [ -1 ]
  }
]
${outputPorts(served)}
${states.length > 0 ? sequenceBatching(served, options) : dynamicBatching(served, options)}
parameters {
  key: "labels"
  value { string_value: ${quoted(JSON.stringify(labels))} }
}
parameters {
  key: "preprocessing"
  value { string_value: ${quoted(JSON.stringify(preprocessing))} }
}
`;
}

/** Rows of several requests run together; one text is run before the model is ready. */
function dynamicBatching({ metadata }: Served, { maxQueueDelayMicroseconds }: TritonOptions): string {
  return `dynamic_batching {
  max_queue_delay_microseconds: ${maxQueueDelayMicroseconds}
}
model_warmup [
  {
    name: "one text"
    batch_size: 1
    inputs {
      key: "ids"
      value {
        data_type: TYPE_INT32
        dims: [ ${metadata.preprocessing.maxLength} ]
        zero_data: true
      }
    }
  }
]`;
}

/**
 * A sequence of requests is one text in pieces: Triton keeps the states from one to the next and starts them at zero;
 * pieces of several texts run together. No warm-up: its requests bypass the scheduler, which is what has the states.
 * https://github.com/triton-inference-server/server/blob/main/docs/user_guide/implicit_state_management.md
 */
function sequenceBatching({ states }: Served, { maxQueueDelayMicroseconds }: TritonOptions): string {
  const state = states.map(
    ({ name, units }) => `    {
      input_name: ${quoted(initialState(name))}
      output_name: ${quoted(finalState(name))}
      data_type: TYPE_FP32
      dims: [ ${units} ]
      initial_state {
        name: ${quoted(`zeros of ${name}`)}
        data_type: TYPE_FP32
        dims: [ ${units} ]
        zero_data: true
      }
    }`,
  );
  return `sequence_batching {
  max_sequence_idle_microseconds: 60000000
  oldest {
    max_candidate_sequences: 4096
    max_queue_delay_microseconds: ${maxQueueDelayMicroseconds}
  }
  state [
${state.join(',\n')}
  ]
}`;
}
