import { readFields, refuse, wireTypes } from './fields.ts';
import { checkWire } from './wire.ts';

/** The fields of an ONNX file outside its graph. */
export interface FileHeader {
  readonly producer: { readonly name: string; readonly version: string };
  readonly opset: number;
  readonly metadata: readonly (readonly [key: string, value: string])[];
}

/** Of ModelProto, all with a length before them. */
const fields = { producerName: 2, producerVersion: 3, graph: 7, opsetImport: 8, metadataProps: 14 } as const;

/** Reads the outer fields of an ONNX file; the graph is checked for its form and skipped. @throws ONNX_INVALID */
export function readHeader(bytes: Uint8Array): FileHeader {
  if (bytes.length === 0) refuse('is empty');
  checkWire(bytes);
  const reader = readFields(bytes);
  let graphs = 0;
  const opsets: number[] = [];
  const metadata: (readonly [string, string])[] = [];
  const producer = { name: '', version: '' };
  while (reader.pos < reader.length) {
    const { field, wireType } = reader.tag();
    if (wireType !== wireTypes.bytes) reader.skip(wireType);
    else if (field === fields.producerName) producer.name = reader.string();
    else if (field === fields.producerVersion) producer.version = reader.string();
    else if (field === fields.opsetImport) opsets.push(...readOpset(reader.bytes()));
    else if (field === fields.metadataProps) metadata.push(readEntry(reader.bytes()));
    else {
      if (field === fields.graph) graphs++;
      reader.skip(wireType);
    }
  }
  if (graphs !== 1) refuse(graphs === 0 ? 'is cut short or none: it has no graph' : 'has more than one graph');
  const [opset] = opsets;
  if (opset === undefined) return refuse('is cut short: it names no opset');
  if (opsets.length > 1) refuse('names its opset twice');
  return { producer, opset, metadata };
}

/** OperatorSetIdProto: the version, if it is that of ONNX' own operators. */
function readOpset(bytes: Uint8Array): number[] {
  const reader = readFields(bytes);
  let domain = '';
  let version = 0;
  while (reader.pos < reader.length) {
    const { field, wireType } = reader.tag();
    if (field === 1 && wireType === wireTypes.bytes) domain = reader.string();
    else if (field === 2 && wireType === wireTypes.varint) version = reader.varint();
    else reader.skip(wireType);
  }
  return domain === '' || domain === 'ai.onnx' ? [version] : [];
}

/** StringStringEntryProto */
function readEntry(bytes: Uint8Array): readonly [string, string] {
  const reader = readFields(bytes);
  let key = '';
  let value = '';
  while (reader.pos < reader.length) {
    const { field, wireType } = reader.tag();
    if (field === 1 && wireType === wireTypes.bytes) key = reader.string();
    else if (field === 2 && wireType === wireTypes.bytes) value = reader.string();
    else reader.skip(wireType);
  }
  return [key, value];
}
