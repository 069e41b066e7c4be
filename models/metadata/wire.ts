/**
 * The outer form of an ONNX file, checked before anything else reads it: lengths that fit, nesting that ends, no
 * tensors kept in other files. Decoders of protobuf messages recurse and a deeply nested file overflows their stack;
 * this walk has no recursion, and skips over everything that cannot hold a message.
 * Field numbers: onnx.proto of the ONNX project.
 */
import { type FieldReader, readFields, refuse, wireTypes } from './fields.ts';

/** Messages that can hold others, with the fields in which they do. */
const holders = {
  model: { 7: 'graph', 20: 'training', 25: 'function' },
  graph: { 1: 'node', 5: 'tensor', 11: 'value', 12: 'value', 13: 'value', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: {
    5: 'tensor',
    6: 'graph',
    10: 'tensor',
    11: 'graph',
    14: 'type',
    15: 'type',
    22: 'sparse',
    23: 'sparse',
  },
  tensor: {},
  sparse: { 1: 'tensor', 2: 'tensor' },
  value: { 2: 'type' },
  type: { 4: 'element', 5: 'element', 9: 'element' },
  element: { 1: 'type', 2: 'type' },
  training: { 1: 'graph', 2: 'graph' },
  function: { 7: 'node', 11: 'attribute' },
} as const satisfies Record<string, Readonly<Record<number, string>>>;
type Message = keyof typeof holders;

const depthLimit = 60;
const externalData = 13;
const dataLocation = 14;

/**
 * @throws ONNX_INVALID when the bytes are no protobuf message, are cut short inside a field, nest too deep, or keep tensors in other files
 */
export function checkWire(bytes: Uint8Array): void {
  const reader = readFields(bytes);
  const open: { readonly message: Message; readonly end: number }[] = [{ message: 'model', end: bytes.length }];
  for (let at = open.at(-1); at; at = open.at(-1)) {
    if (reader.pos === at.end) {
      open.pop();
      continue;
    }
    const { field, wireType } = reader.tag();
    if (at.message === 'tensor' && (field === externalData || field === dataLocation)) refuseExternal(reader, field);
    if (wireType === wireTypes.bytes) {
      const length = reader.varint();
      const end = reader.pos + length;
      if (end > at.end) refuse(`is cut short or damaged at byte ${reader.pos}`);
      const inner = (holders[at.message] as Readonly<Record<number, Message>>)[field];
      if (inner) {
        if (open.length === depthLimit) refuse(`nests deeper than ${depthLimit} messages`);
        open.push({ message: inner, end });
      } else {
        reader.pos = end;
      }
    } else {
      reader.skip(wireType);
      if (reader.pos > at.end) refuse(`is damaged at byte ${reader.pos}`);
    }
  }
}

function refuseExternal(reader: FieldReader, field: number): void {
  const start = reader.pos;
  const inside = field === dataLocation && reader.varint() === 0;
  if (!inside) refuse('keeps tensors in other files, which are not read');
  reader.pos = start;
}
