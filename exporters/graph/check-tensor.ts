import { refuse } from './checking.ts';
import type { DataType, Tensor } from './graph.ts';

const arrays = {
  float32: Float32Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const satisfies Record<DataType, unknown>;

/** Checks that the values of a tensor are as many as its dimensions say, and of its element type. @throws GRAPH_INVALID */
export function checkTensor({ dataType, dims, data }: Tensor, where: string): void {
  if (!Object.hasOwn(arrays, dataType)) refuse(where, `has element type ${dataType}`);
  if (!(data instanceof arrays[dataType])) refuse(where, `is ${dataType} and holds a ${data.constructor.name}`);
  if (dims.some((dimension) => !Number.isSafeInteger(dimension) || dimension < 0)) {
    refuse(where, `has dimensions [${dims}]`);
  }
  const size = dims.reduce((product, dimension) => product * dimension, 1);
  if (size !== data.length) refuse(where, `has dimensions [${dims}] and ${data.length} values`);
  if (dataType === 'bool' && data.some((value) => value > 1)) refuse(where, 'is bool and holds a value above 1');
}
