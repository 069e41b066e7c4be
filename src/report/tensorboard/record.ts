/**
 * TFRecord: uint64 length, uint32 masked CRC-32C of the length, the bytes, uint32 masked CRC-32C of the bytes, all
 * little-endian (tensorflow/core/lib/io/record_writer.h). The mask is there because a CRC of bytes that hold their
 * own CRC says little.
 */
import { crc32c } from './crc32c.ts';

const headLength = 12;
const footLength = 4;

export function frameRecord(payload: Uint8Array): Uint8Array {
  const framed = new Uint8Array(headLength + payload.length + footLength);
  const view = new DataView(framed.buffer);
  view.setBigUint64(0, BigInt(payload.length), true);
  view.setUint32(8, masked(crc32c(framed.subarray(0, 8))), true);
  framed.set(payload, headLength);
  view.setUint32(headLength + payload.length, masked(crc32c(payload)), true);
  return framed;
}

/** The whole records at the beginning of `file`: what follows a damaged one, or one cut short by a crash, is lost, as to TensorBoard. */
export function* readRecords(file: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = 0; at + headLength <= file.length; ) {
    if (view.getUint32(at + 8, true) !== masked(crc32c(file.subarray(at, at + 8)))) return;
    const begin = at + headLength;
    const end = begin + Number(view.getBigUint64(at, true));
    if (end + footLength > file.length) return;
    const payload = file.subarray(begin, end);
    if (view.getUint32(end, true) !== masked(crc32c(payload))) return;
    yield payload;
    at = end + footLength;
  }
}

function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
