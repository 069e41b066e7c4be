/**
 * The intermediate representation: an ONNX graph without protobuf. Lowering builds it, the checker judges it,
 * `exporters/onnx` writes and reads it; nothing else in the product knows how an ONNX file is laid out.
 */

/** The number under which ONNX knows each element type. */
export const dataTypeCodes = { float32: 1, int32: 6, int64: 7, bool: 9 } as const;
export type DataType = keyof typeof dataTypeCodes;

/** Row-major values; `dims` is [] for a scalar. A bool is a byte, 0 or 1. */
export type Tensor = { readonly dims: readonly number[] } & (
  | { readonly dataType: 'float32'; readonly data: Float32Array }
  | { readonly dataType: 'int32'; readonly data: Int32Array }
  | { readonly dataType: 'int64'; readonly data: BigInt64Array }
  | { readonly dataType: 'bool'; readonly data: Uint8Array }
);

/** A value of the graph is known by its name. */
export type Value = string;

/** Stands where an optional input or output is left out. */
export const absent: Value = '';

export type Attribute =
  | { readonly type: 'int'; readonly value: number }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'ints'; readonly value: readonly number[] }
  | { readonly type: 'floats'; readonly value: readonly number[] }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'tensor'; readonly value: Tensor }
  /** The body of a control-flow node such as Scan; it sees the values of the graphs around it. */
  | { readonly type: 'graph'; readonly value: Graph };

export interface Node {
  /** Unique in the model. */
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A dimension is a size, or the name of one that is free. */
export type Dimension = number | string;

export interface ValueInfo {
  readonly name: Value;
  readonly dataType: DataType;
  readonly shape: readonly Dimension[];
}

export interface Initialiser {
  readonly name: Value;
  readonly tensor: Tensor;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly initialisers: readonly Initialiser[];
  /** Each after those whose outputs it takes. */
  readonly nodes: readonly Node[];
}

/** A whole model: what one ONNX file holds. */
export interface ModelGraph extends Graph {
  readonly opset: number;
  readonly producer: { readonly name: string; readonly version: string };
  /** Key and value, in the order of the file. */
  readonly metadata: readonly (readonly [key: string, value: string])[];
}
