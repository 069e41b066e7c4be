/**
 * The intermediate representation: an ONNX graph without protobuf. Lowering builds it, the checker judges it,
 * `exporters/onnx` writes and reads it; nothing else in the product knows how an ONNX file is laid out.
 */

/** The number under which ONNX knows each element type. */
export const dataTypeCodes = { float32: 1, int32: 6, int64: 7, bool: 9 } as const;
/** Of the elements of a tensor. */
export type DataType = keyof typeof dataTypeCodes;

/** A constant array. */
export type Tensor =
  | TypedTensor<'float32', Float32Array>
  | TypedTensor<'int32', Int32Array>
  | TypedTensor<'int64', BigInt64Array>
  | TypedTensor<'bool', Uint8Array>;

interface TypedTensor<Type extends DataType, Data> {
  /** Sizes; [] for a scalar. */
  readonly dims: readonly number[];
  /** Of the elements. */
  readonly dataType: Type;
  /** Row-major values. A bool is a byte, 0 or 1. */
  readonly data: Data;
}

/** A value of the graph is known by its name. */
export type Value = string;

/** Stands where an optional input or output is left out. */
export const absent: Value = '';

/** Of a node, with its type. */
export type Attribute =
  | TypedAttribute<'int' | 'float', number>
  | TypedAttribute<'string', string>
  | TypedAttribute<'ints' | 'floats', readonly number[]>
  | TypedAttribute<'strings', readonly string[]>
  | TypedAttribute<'tensor', Tensor>
  /** The body of a control-flow node such as Scan; it sees the values of the graphs around it. */
  | TypedAttribute<'graph', Graph>;

interface TypedAttribute<Type, Value> {
  /** Which kind of value. */
  readonly type: Type;
  /** Of that kind. */
  readonly value: Value;
}

/** An operation. */
export interface Node {
  /** Unique in the model. */
  readonly name: string;
  /** The operator of ONNX, such as `LSTM`. */
  readonly op: string;
  /** Values that it takes; empty where an optional one is left out. */
  readonly inputs: readonly Value[];
  /** Values that it gives. */
  readonly outputs: readonly Value[];
  /** By name. */
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A dimension is a size, or the name of one that is free. */
export type Dimension = number | string;

/** An input or output of a graph. */
export interface ValueInfo {
  /** Of the value. */
  readonly name: Value;
  /** Of its elements. */
  readonly dataType: DataType;
  /** Sizes, or names of free dimensions. */
  readonly shape: readonly Dimension[];
}

/** A constant, such as a weight. */
export interface Initialiser {
  /** Of the value. */
  readonly name: Value;
  /** What it holds. */
  readonly tensor: Tensor;
}

/** Nodes and what goes in and out. */
export interface Graph {
  /** Of the graph. */
  readonly name: string;
  /** What it takes. */
  readonly inputs: readonly ValueInfo[];
  /** What it gives. */
  readonly outputs: readonly ValueInfo[];
  /** Its constants. */
  readonly initialisers: readonly Initialiser[];
  /** Each after those whose outputs it takes. */
  readonly nodes: readonly Node[];
}

/** A whole model: what one ONNX file holds. */
export interface ModelGraph extends Graph {
  /** Version of the ONNX operator set. */
  readonly opset: number;
  /** What wrote the file. */
  readonly producer: { readonly name: string; readonly version: string };
  /** Key and value, in the order of the file. */
  readonly metadata: readonly (readonly [key: string, value: string])[];
}
