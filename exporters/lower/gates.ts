/**
 * The one place that knows in which order gates stand. The product follows Keras: kernel [in, gates·units] with LSTM
 * gates i f c o and GRU gates z r h. ONNX has [directions, gates·units, in] with i o f c and z r h, and two biases.
 */
import type { RecurrentLayer } from '../../models/layers.ts';
import type { Tensor, Weights } from '../../models/weights.ts';
import type { Tensor as GraphTensor } from '../graph/graph.ts';
import { weightOf } from './weights.ts';

/** Gate g of ONNX is gate `onnxGates[g]` of Keras. */
const onnxGates = {
  simpleRnn: [0],
  lstm: [0, 3, 1, 2],
  gru: [0, 1, 2],
} as const satisfies Record<RecurrentLayer['type'], readonly number[]>;

export interface PackedWeights {
  /** [directions, gates·units, in] */
  readonly W: GraphTensor;
  /** [directions, gates·units, units] */
  readonly R: GraphTensor;
  /** [directions, 2·gates·units]: the kernel's bias, then the recurrent kernel's. */
  readonly B?: GraphTensor;
}

/** @param prefixes of the names of the weights, one a direction */
export function packWeights(layer: RecurrentLayer, weights: Weights, prefixes: readonly string[]): PackedWeights {
  const gates = onnxGates[layer.type];
  const read = (name: string) => prefixes.map((prefix) => weightOf(weights, `${prefix}/${name}`));
  const W = stackKernels(read('kernel'), gates, layer.units);
  const R = stackKernels(read('recurrent_kernel'), gates, layer.units);
  return layer.bias === 'none' ? { W, R } : { W, R, B: stackBiases(read('bias'), gates, layer.units) };
}

/** [in, gates·units] of each direction → [directions, gates·units, in] */
function stackKernels(kernels: readonly Tensor[], gates: readonly number[], units: number): GraphTensor {
  const features = kernels[0]?.shape[0] as number;
  const width = gates.length * units;
  const packed = new Float32Array(kernels.length * width * features);
  let at = 0;
  for (const { data } of kernels) {
    for (const gate of gates) {
      for (let unit = 0; unit < units; unit++) {
        for (let feature = 0; feature < features; feature++) {
          packed[at++] = data[feature * width + gate * units + unit] as number;
        }
      }
    }
  }
  return { dataType: 'float32', dims: [kernels.length, width, features], data: packed };
}

/** [gates·units] or [2, gates·units] of each direction → [directions, 2·gates·units]; a lone bias is the kernel's. */
function stackBiases(biases: readonly Tensor[], gates: readonly number[], units: number): GraphTensor {
  const width = gates.length * units;
  const packed = new Float32Array(biases.length * 2 * width);
  for (const [direction, { data }] of biases.entries()) {
    for (let vector = 0; vector < data.length / width; vector++) {
      for (const [position, gate] of gates.entries()) {
        const from = vector * width + gate * units;
        packed.set(data.subarray(from, from + units), (2 * direction + vector) * width + position * units);
      }
    }
  }
  return { dataType: 'float32', dims: [biases.length, 2 * width], data: packed };
}
