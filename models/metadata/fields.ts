/**
 * The few forms of a protobuf message's fields, by hand: the header of a file needs no more, and this is the path on
 * which the runtime starts, in Node and in browsers. Source: protobuf.dev/programming-guides/encoding.
 */
import { fail } from '../../src/core/errors.ts';

export interface FieldReader {
  /** Of the byte that is read next. */
  pos: number;
  readonly length: number;
  /** A varint; bits above 53 are not needed by any field that is read. */
  varint(): number;
  /** What a length stands before. */
  bytes(): Uint8Array;
  /** The same as text; throws where it is no UTF-8. */
  string(): string;
  /** Over the value of a field. */
  skip(wireType: number): void;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Its methods throw where the bytes end too soon. @throws ONNX_INVALID */
export function readFields(source: Uint8Array): FieldReader {
  const reader: FieldReader = {
    pos: 0,
    length: source.length,
    varint() {
      let value = 0;
      for (let shift = 0; shift < 70; shift += 7) {
        const byte = source[reader.pos];
        if (byte === undefined) break;
        reader.pos++;
        value += (byte & 127) * 2 ** shift;
        if (byte < 128) return value;
      }
      return cutShort();
    },
    bytes() {
      const length = reader.varint();
      const start = reader.pos;
      advance(length);
      return source.subarray(start, reader.pos);
    },
    string: () => utf8.decode(reader.bytes()),
    skip(wireType) {
      if (wireType === 0) reader.varint();
      else if (wireType === 1) advance(8);
      else if (wireType === 2) advance(reader.varint());
      else if (wireType === 5) advance(4);
      else cutShort();
    },
  };

  function advance(bytes: number): void {
    if (reader.pos + bytes > source.length) cutShort();
    reader.pos += bytes;
  }
  return reader;
}

function cutShort(): never {
  fail('ONNX_INVALID', 'the ONNX file ends in the middle of a value', 'Export the model again, or use another copy.');
}
