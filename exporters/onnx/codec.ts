/**
 * The ONNX message classes: onnx-proto, generated from ONNX 1.10's schema, on the current protobufjs. A CommonJS
 * package, so its default export is the whole of it. The published bundle contains it, as its own manifest asks for
 * an old protobufjs.
 */
import onnxProto from 'onnx-proto';

export const { onnx } = onnxProto;
export type { onnx as messages } from 'onnx-proto';
