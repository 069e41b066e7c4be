/** The bytes of an ONNX file as a graph: what `inspect` shows and tests assert. Nothing in a file is trusted. */
import { readHeader } from '../../models/metadata/header.ts';
import { fail } from '../../src/core/errors.ts';
import {
  type Attribute,
  type DataType,
  type Dimension,
  dataTypeCodes,
  type Graph,
  type ModelGraph,
  type Node,
  type Tensor,
  type ValueInfo,
} from '../graph/graph.ts';
import { attributeTypes } from './attribute-types.ts';
import { type messages, onnx } from './codec.ts';

/**
 * Reads a file whose graph uses the element types, attributes and operator domain that this product writes.
 * @throws ONNX_INVALID when it is cut short, damaged, or uses others
 */
export function decodeOnnx(bytes: Uint8Array): ModelGraph {
  const { producer, opset, metadata } = readHeader(bytes);
  const { graph, trainingInfo, functions } = decodeMessage(bytes);
  if (trainingInfo.length > 0) refuse('the file', 'holds training information');
  if (functions.length > 0) refuse('the file', 'defines functions of its own');
  return { ...readGraph(graph ?? refuse('the file', 'has no graph')), opset, producer, metadata };
}

function decodeMessage(bytes: Uint8Array): messages.ModelProto {
  try {
    return onnx.ModelProto.decode(bytes);
  } catch (error) {
    return refuse('the file', 'is cut short or damaged', error);
  }
}

function readGraph(graph: messages.IGraphProto): Graph {
  const name = graph.name ?? '';
  if (graph.sparseInitializer?.length) refuse(`graph ${name}`, 'has sparse initialisers');
  return {
    name,
    inputs: (graph.input ?? []).map(readValue),
    outputs: (graph.output ?? []).map(readValue),
    initialisers: (graph.initializer ?? []).map((tensor) => ({
      name: tensor.name ?? '',
      tensor: readTensor(tensor, `initialiser ${tensor.name}`),
    })),
    nodes: (graph.node ?? []).map(readNode),
  };
}

function readNode(node: messages.INodeProto): Node {
  const op = node.opType ?? '';
  const where = `node ${node.name || op}`;
  if (node.domain && node.domain !== 'ai.onnx') refuse(where, `has operator ${op} of domain ${node.domain}`);
  const attributes = (node.attribute ?? []).map(
    (attribute) => [attribute.name ?? '', readAttribute(attribute, where)] as const,
  );
  const names = attributes.map(([name]) => name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) refuse(where, `has attribute ${repeated} twice`);
  return {
    name: node.name ?? '',
    op,
    inputs: node.input ?? [],
    outputs: node.output ?? [],
    attributes: Object.fromEntries(attributes),
  };
}

function readAttribute(attribute: messages.IAttributeProto, node: string): Attribute {
  const where = `${node}: attribute ${attribute.name}`;
  const types = Object.keys(attributeTypes) as Attribute['type'][];
  const type = types.find((name) => attributeTypes[name] === attribute.type);
  switch (type) {
    case 'int':
      return { type, value: readInteger(attribute.i, where) };
    case 'float':
      return { type, value: attribute.f ?? 0 };
    case 'string':
      return { type, value: readText(attribute.s, where) };
    case 'ints':
      return { type, value: (attribute.ints ?? []).map((value) => readInteger(value, where)) };
    case 'floats':
      return { type, value: attribute.floats ?? [] };
    case 'strings':
      return { type, value: (attribute.strings ?? []).map((value) => readText(value, where)) };
    case 'tensor':
      return { type, value: readTensor(attribute.t ?? {}, where) };
    case 'graph':
      return { type, value: readGraph(attribute.g ?? {}) };
    case undefined:
      return refuse(where, `has type ${String(attribute.type)}, which is not used here`);
  }
}

function readValue(value: messages.IValueInfoProto): ValueInfo {
  const name = value.name ?? '';
  const where = `value ${name}`;
  const type = value.type?.tensorType ?? refuse(where, 'is no tensor');
  const shape = type.shape?.dim ?? refuse(where, 'has no shape');
  return {
    name,
    dataType: readDataType(type.elemType, where),
    shape: shape.map((dimension, axis): Dimension => {
      if (dimension.dimParam) return dimension.dimParam;
      return dimension.dimValue ? readInteger(dimension.dimValue, where) : `${name}:${axis}`;
    }),
  };
}

function readTensor(tensor: messages.ITensorProto, where: string): Tensor {
  const dataType = readDataType(tensor.dataType, where);
  const dims = (tensor.dims ?? []).map((dimension) => readInteger(dimension, where));
  const bad = dims.find((dimension) => dimension < 0);
  if (bad !== undefined) refuse(where, `has a dimension ${bad}`);
  const size = dims.reduce((product, dimension) => product * dimension, 1);
  const values = tensor.rawData?.length ? rawValues(dataType, tensor.rawData, where) : listedValues(dataType, tensor);
  if (values.data.length !== size) refuse(where, `has dimensions [${dims}] and ${values.data.length} values`);
  return { ...values, dims };
}

const bytesOf = { float32: 4, int32: 4, int64: 8, bool: 1 } as const satisfies Record<DataType, number>;

type Values = Tensor extends infer T ? (T extends Tensor ? Omit<T, 'dims'> : never) : never;

function rawValues(dataType: DataType, raw: Uint8Array, where: string): Values {
  if (raw.length % bytesOf[dataType] !== 0) refuse(where, `has ${raw.length} bytes of ${dataType}`);
  const { buffer } = new Uint8Array(raw); // a copy of its own memory, which the slice of a Buffer is not
  switch (dataType) {
    case 'float32':
      return { dataType, data: new Float32Array(buffer) };
    case 'int32':
      return { dataType, data: new Int32Array(buffer) };
    case 'int64':
      return { dataType, data: new BigInt64Array(buffer) };
    case 'bool':
      return { dataType, data: new Uint8Array(buffer) };
  }
}

/** Other programs may list values one by one instead. */
function listedValues(dataType: DataType, tensor: messages.ITensorProto): Values {
  switch (dataType) {
    case 'float32':
      return { dataType, data: Float32Array.from(tensor.floatData ?? []) };
    case 'int32':
      return { dataType, data: Int32Array.from(tensor.int32Data ?? []) };
    case 'int64':
      return { dataType, data: BigInt64Array.from(tensor.int64Data ?? [], (value) => BigInt(value.toString())) };
    case 'bool':
      return { dataType, data: Uint8Array.from(tensor.int32Data ?? []) };
  }
}

function readDataType(code: number | null | undefined, where: string): DataType {
  const types = Object.keys(dataTypeCodes) as DataType[];
  const dataType = types.find((name) => dataTypeCodes[name] === code);
  return dataType ?? refuse(where, `has element type ${String(code)}, only ${types.join(', ')} are used here`);
}

/** protobufjs gives 64-bit integers as Long objects. */
function readInteger(value: { toString(): string } | null | undefined, where: string): number {
  const integer = Number(value?.toString() ?? 0);
  return Number.isSafeInteger(integer) ? integer : refuse(where, `has the integer ${String(value)}, above 2^53`);
}

function readText(bytes: Uint8Array | null | undefined, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes ?? new Uint8Array());
  } catch (error) {
    return refuse(where, 'is no UTF-8', error);
  }
}

function refuse(where: string, what: string, cause?: unknown): never {
  fail(
    'ONNX_INVALID',
    `${where} ${what}`,
    'Use a file written by `recurrent export`, or another copy of this one.',
    cause,
  );
}
