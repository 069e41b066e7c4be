/** What the configurations of Triton's models have in common. */
import { planModel } from '../../models/plan.ts';
import type { Files, Served } from './deployment.ts';

/** A line a label, by which clients ask for the best classes, where each output is a class. */
export function labelsFile({ metadata }: Served): Files {
  const { head } = planModel(metadata.spec);
  if (head.outputs !== head.classes) return {}; // one probability stands for two classes
  return { 'labels.txt': `${metadata.labels.map((each) => each.replaceAll(/\s+/g, ' ')).join('\n')}\n` };
}

export function outputPorts(served: Served): string {
  const { outputs } = planModel(served.metadata.spec).head;
  const labelled = 'labels.txt' in labelsFile(served) ? '\n    label_filename: "labels.txt"' : '';
  return `output [
  {
    name: "logits"
    data_type: TYPE_FP32
    dims: [ ${outputs} ]
  },
  {
    name: "probabilities"
    data_type: TYPE_FP32
    dims: [ ${outputs} ]${labelled}
  }
]`;
}

/** A string of protobuf's text format: its bytes in UTF-8, those outside of printable ASCII as octal escapes. */
export function quoted(text: string): string {
  const bytes = [...new TextEncoder().encode(text)].map((byte) => {
    if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
    return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
  });
  return `"${bytes.join('')}"`;
}
