/** Writing trained models as ONNX files, and reading such files back as graphs. */
export { type ExportOptions, exportOnnx } from './export.ts';
export type { Attribute, DataType, Graph, Initialiser, ModelGraph, Node, Tensor, ValueInfo } from './graph/graph.ts';
export { decodeOnnx } from './onnx/decode.ts';
