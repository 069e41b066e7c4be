import { type FieldReader, readFields } from './fields.ts';
import { checkWire, reading, readTag, refuse } from './wire.ts';

/** The fields of an ONNX file outside its graph. */
export interface FileHeader {
  readonly producer: { readonly name: string; readonly version: string };
  readonly opset: number;
  readonly metadata: readonly (readonly [key: string, value: string])[];
}

/**
 * Reads the outer fields of an ONNX file; the graph is checked for its form and skipped. @throws ONNX_INVALID
 */
export function readHeader(bytes: Uint8Array): FileHeader {
  if (bytes.length === 0) refuse('is empty');
  checkWire(bytes);
  const reader = readFields(bytes);
  let graphs = 0;
  const opsets: number[] = [];
  const metadata: (readonly [string, string])[] = [];
  const producer = { name: '', version: '' };
  while (reader.pos < reader.length) {
    const { field, wireType } = readTag(reader);
    if (wireType === 2 && field === 2) producer.name = readString(reader);
    else if (wireType === 2 && field === 3) producer.version = readString(reader);
    else if (wireType === 2 && field === 8) opsets.push(...readOpset(readBytes(reader)));
    else if (wireType === 2 && field === 14) metadata.push(readEntry(readBytes(reader)));
    else {
      if (wireType === 2 && field === 7) graphs++;
      reading(reader, () => reader.skip(wireType));
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
    const { field, wireType } = readTag(reader);
    if (field === 1 && wireType === 2) domain = readString(reader);
    else if (field === 2 && wireType === 0) version = reading(reader, () => reader.varint());
    else reading(reader, () => reader.skip(wireType));
  }
  return domain === '' || domain === 'ai.onnx' ? [version] : [];
}

/** StringStringEntryProto */
function readEntry(bytes: Uint8Array): readonly [string, string] {
  const reader = readFields(bytes);
  let key = '';
  let value = '';
  while (reader.pos < reader.length) {
    const { field, wireType } = readTag(reader);
    if (field === 1 && wireType === 2) key = readString(reader);
    else if (field === 2 && wireType === 2) value = readString(reader);
    else reading(reader, () => reader.skip(wireType));
  }
  return [key, value];
}

function readBytes(reader: FieldReader): Uint8Array {
  return reading(reader, () => reader.bytes());
}

function readString(reader: FieldReader): string {
  return reading(reader, () => reader.string());
}
