/**
 * The few forms of a protobuf message's fields, by hand: the header of a file needs no more, and this is the path on
 * which the runtime starts, in Node and in browsers. Source: protobuf.dev/programming-guides/encoding.
 */
import { fail } from '../../src/core/errors.ts';

/** Its methods read on from `pos`. @throws ONNX_INVALID where the bytes are damaged or end too soon */
export interface FieldReader {
  /** Of the byte that is read next. */
  pos: number;
  readonly length: number;
  /** What stands before every field. Groups, which ONNX does not use and which could nest, are refused. */
  tag(): Tag;
  /** A varint; bits above 53 are not needed by any field that is read. */
  varint(): number;
  /** What a length stands before. */
  bytes(): Uint8Array;
  /** The same as text. */
  string(): string;
  /** Over the value of a field. */
  skip(wireType: number): void;
}

export interface Tag {
  readonly field: number;
  readonly wireType: number;
}

/** How a value is written, as far as ONNX uses it. */
export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;
const known: readonly number[] = Object.values(wireTypes);

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function readFields(source: Uint8Array): FieldReader {
  const reader: FieldReader = {
    pos: 0,
    length: source.length,
    tag() {
      const tag = reader.varint();
      const [field, wireType] = [Math.floor(tag / 8), tag % 8];
      if (field === 0 || !known.includes(wireType)) refuse(`is damaged or no ONNX file: byte ${reader.pos - 1}`);
      return { field, wireType };
    },
    varint() {
      let value = 0;
      for (let shift = 0; shift < 70; shift += 7) {
        const byte = source[reader.pos];
        if (byte === undefined) break;
        reader.pos++;
        value += (byte & 127) * 2 ** shift;
        if (byte < 128) return value;
      }
      return refuseHere();
    },
    bytes() {
      const length = reader.varint();
      const start = reader.pos;
      advance(length);
      return source.subarray(start, reader.pos);
    },
    string() {
      const bytes = reader.bytes();
      try {
        return utf8.decode(bytes);
      } catch (error) {
        return refuseHere(error);
      }
    },
    skip(wireType) {
      if (wireType === wireTypes.varint) reader.varint();
      else if (wireType === wireTypes.fixed64) advance(8);
      else if (wireType === wireTypes.bytes) advance(reader.varint());
      else advance(4);
    },
  };

  function advance(bytes: number): void {
    if (reader.pos + bytes > source.length) refuseHere();
    reader.pos += bytes;
  }

  function refuseHere(cause?: unknown): never {
    return refuse(`is cut short or damaged at byte ${reader.pos}`, cause);
  }
  return reader;
}

export function refuse(what: string, cause?: unknown): never {
  fail('ONNX_INVALID', `the ONNX file ${what}`, 'Export the model again, or use another copy of the file.', cause);
}
