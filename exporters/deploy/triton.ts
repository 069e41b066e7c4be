/**
 * The model repository of NVIDIA's Triton Inference Server. Its ONNX Runtime backend runs the file as it is, so clients
 * send token ids: the graph has no tokenizer in it.
 * https://github.com/triton-inference-server/server/blob/main/docs/user_guide/model_configuration.md
 */

import { finalState, initialState } from '../../models/onnx-state-names.ts';
import { planModel } from '../../models/plan.ts';
import { type Deployment, type Files, inFolder, type Served } from './deployment.ts';

export interface TritonOptions {
  readonly maxBatchSize: number;
  readonly maxQueueDelayMicroseconds: number;
}

export function modelRepository(served: Served, options: TritonOptions): Files {
  const { onnx, metadata, name } = served;
  const { head } = planModel(metadata.spec);
  const named = head.outputs === head.classes;
  return inFolder(name, {
    'config.pbtxt': configText(served, options),
    ...(named ? { 'labels.txt': `${metadata.labels.map((each) => each.replaceAll(/\s+/g, ' ')).join('\n')}\n` } : {}),
    '1/model.onnx': onnx,
  });
}

export function tritonDeployment(served: Served, options: TritonOptions): Deployment {
  return {
    files: inFolder('model-repository', modelRepository(served, options)),
    takesText: false,
    next: ['tritonserver --model-repository=model-repository'],
  };
}

/** A message `ModelConfig` of Triton's model_config.proto in protobuf's text format. */
function configText(served: Served, options: TritonOptions): string {
  const { metadata, name, states } = served;
  const { spec, labels, preprocessing } = metadata;
  const { head } = planModel(spec);
  // One probability stands for two classes: there is no label for each of its places.
  const labelled = head.outputs === head.classes ? '\n    label_filename: "labels.txt"' : '';
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
output [
  {
    name: "logits"
    data_type: TYPE_FP32
    dims: [ ${head.outputs} ]
  },
  {
    name: "probabilities"
    data_type: TYPE_FP32
    dims: [ ${head.outputs} ]${labelled}
  }
]
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

/** A string of protobuf's text format: its bytes in UTF-8, those outside of printable ASCII as octal escapes. */
export function quoted(text: string): string {
  const bytes = [...new TextEncoder().encode(text)].map((byte) => {
    if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
    return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
  });
  return `"${bytes.join('')}"`;
}
