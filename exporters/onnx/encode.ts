/** A graph as the bytes of an ONNX file. The same graph gives the same bytes: nothing of the clock or the machine enters. */
import { fail } from '../../src/core/errors.ts';
import {
  type Attribute,
  dataTypeCodes,
  type Graph,
  type ModelGraph,
  type Node,
  type Tensor,
  type ValueInfo,
} from '../graph/graph.ts';
import { irVersionOf } from '../graph/opsets.ts';
import { attributeTypes } from './attribute-types.ts';
import { type messages, onnx } from './codec.ts';

/** A protobuf message cannot be longer; ONNX then keeps weights in files of their own, which are not written. */
const sizeLimit = 2 ** 31 - 1;

/** For names and attributes: more than the nodes of as many layers as a spec may have. */
const graphBytes = 2 ** 20;

/** @throws OPTION_UNSUPPORTED when the opset cannot be written, LAYER_UNSUPPORTED when the weights do not fit into one file */
export function encodeOnnx(model: ModelGraph): Uint8Array {
  const weights = model.initialisers.reduce((sum, { tensor }) => sum + tensor.data.byteLength, 0);
  const metadata = model.metadata.reduce((sum, [key, value]) => sum + utf8(key + value).length, 0);
  if (weights + metadata + graphBytes > sizeLimit) {
    fail(
      'LAYER_UNSUPPORTED',
      `weights and metadata take ${((weights + metadata) / 2 ** 30).toFixed(1)} GiB, one ONNX file holds less than 2`,
      'Choose a smaller vocabulary or fewer units.',
    );
  }
  const message: messages.IModelProto = {
    irVersion: irVersionOf(model.opset),
    producerName: model.producer.name,
    producerVersion: model.producer.version,
    graph: graphMessage(model),
    opsetImport: [{ domain: '', version: model.opset }],
    metadataProps: model.metadata.map(([key, value]) => ({ key, value })),
  };
  const { buffer, byteOffset, byteLength } = onnx.ModelProto.encode(message).finish();
  return new Uint8Array(buffer, byteOffset, byteLength); // protobufjs gives a Buffer, which behaves otherwise
}

function graphMessage({ name, inputs, outputs, initialisers, nodes }: Graph): messages.IGraphProto {
  return {
    name,
    node: nodes.map(nodeMessage),
    initializer: initialisers.map(({ name, tensor }) => ({ name, ...tensorMessage(tensor) })),
    input: inputs.map(valueMessage),
    output: outputs.map(valueMessage),
  };
}

function nodeMessage({ name, op, inputs, outputs, attributes }: Node): messages.INodeProto {
  return {
    input: [...inputs],
    output: [...outputs],
    name,
    opType: op,
    attribute: Object.entries(attributes).map(([key, attribute]) => attributeMessage(key, attribute)),
  };
}

function attributeMessage(name: string, attribute: Attribute): messages.IAttributeProto {
  const head = { name, type: attributeTypes[attribute.type] };
  switch (attribute.type) {
    case 'int':
      return { ...head, i: attribute.value };
    case 'float':
      return { ...head, f: attribute.value };
    case 'string':
      return { ...head, s: utf8(attribute.value) };
    case 'ints':
      return { ...head, ints: [...attribute.value] };
    case 'floats':
      return { ...head, floats: [...attribute.value] };
    case 'strings':
      return { ...head, strings: attribute.value.map(utf8) };
    case 'tensor':
      return { ...head, t: tensorMessage(attribute.value) };
    case 'graph':
      return { ...head, g: graphMessage(attribute.value) };
  }
}

/** Raw data are little-endian, as is every machine that onnxruntime runs on. */
function tensorMessage({ dataType, dims, data }: Tensor): messages.ITensorProto {
  return {
    dims: [...dims],
    dataType: dataTypeCodes[dataType],
    rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}

function valueMessage({ name, dataType, shape }: ValueInfo): messages.IValueInfoProto {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: dataTypeCodes[dataType], shape: { dim } } } };
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
