/**
 * The operators that graphs of this product are made of, with arity, element types and attributes. A form is
 * written as `inputs -> outputs`: `T` stands for any element type, `N` for a number, `I` for int32 or int64, each the same
 * wherever it occurs in a form; `any` for any; `?` marks what may be left out, `...` what may be repeated;
 * `@to` is the type that the attribute `to` names. Attributes marked `!` must be stated: a default that
 * changes the meaning of a recurrent layer is never left to the reader (the specification calls it optional).
 * Source: the ONNX operator specification.
 */
import type { Attribute } from './graph.ts';

type AttributeForm = Attribute['type'] | `${Attribute['type']}!`;

export interface Slot {
  readonly type: string;
  readonly optional: boolean;
  readonly repeated: boolean;
}

export interface Operator {
  /** First opset with this form. */
  readonly since: number;
  readonly inputs: readonly Slot[];
  readonly outputs: readonly Slot[];
  readonly attributes: Readonly<Record<string, AttributeForm>>;
}

function form(since: number, signature: string, attributes: Operator['attributes'] = {}): Operator {
  const [inputs, outputs] = signature.split('->') as [string, string];
  return { since, inputs: slots(inputs), outputs: slots(outputs), attributes };
}

function slots(list: string): Slot[] {
  return list
    .split(',')
    .map((slot) => slot.trim())
    .filter((slot) => slot !== '')
    .map((slot) => ({
      type: slot.replace(/\?|\.\.\./, ''),
      optional: slot.endsWith('?'),
      repeated: slot.endsWith('...'),
    }));
}

const recurrentAttributes = {
  activations: 'strings!',
  activation_alpha: 'floats',
  activation_beta: 'floats',
  clip: 'float',
  direction: 'string!',
  hidden_size: 'int!',
  layout: 'int!',
} as const;

const unary = [form(1, 'float32 -> float32')];
const arithmetic = [form(14, 'N, N -> N')];
const comparison = [form(9, 'N, N -> bool')];
/** The axes moved from an attribute to an input in opset 18; only ReduceSum did so before, in 13. */
const reduction = [
  form(13, 'N -> N', { axes: 'ints!', keepdims: 'int!' }),
  form(18, 'N, int64 -> N', { keepdims: 'int!', noop_with_empty_axes: 'int' }),
];

/** Forms of each operator, oldest first. */
export const operators: Readonly<Record<string, readonly Operator[]>> = {
  Add: arithmetic,
  Sub: arithmetic,
  Mul: arithmetic,
  Div: arithmetic,
  Neg: [form(13, 'N -> N')],
  Abs: [form(13, 'N -> N')],
  Exp: unary,
  Tanh: unary,
  Sigmoid: unary,
  Relu: unary,
  Softplus: unary,
  Softsign: unary,
  Elu: [form(6, 'float32 -> float32', { alpha: 'float!' })],
  LeakyRelu: [form(6, 'float32 -> float32', { alpha: 'float!' })],
  ThresholdedRelu: [form(10, 'float32 -> float32', { alpha: 'float!' })],
  HardSigmoid: [form(6, 'float32 -> float32', { alpha: 'float!', beta: 'float!' })],
  Softmax: [form(13, 'float32 -> float32', { axis: 'int!' })],
  Max: [form(13, 'N... -> N')],
  Equal: [form(13, 'T, T -> bool')],
  Less: comparison,
  Greater: comparison,
  And: [form(7, 'bool, bool -> bool')],
  Not: [form(1, 'bool -> bool')],
  Where: [form(9, 'bool, T, T -> T')],

  MatMul: [form(13, 'N, N -> N')],
  Gemm: [
    form(13, 'float32, float32, float32? -> float32', {
      alpha: 'float!',
      beta: 'float!',
      transA: 'int!',
      transB: 'int!',
    }),
  ],
  ReduceSum: [form(13, 'N, int64 -> N', { keepdims: 'int!', noop_with_empty_axes: 'int' })],
  ReduceMean: reduction,
  ReduceMax: reduction,
  ArgMax: [form(13, 'N -> int64', { axis: 'int!', keepdims: 'int!', select_last_index: 'int!' })],
  TopK: [form(11, 'N, int64 -> N, int64', { axis: 'int!', largest: 'int!', sorted: 'int!' })],

  Identity: [form(14, 'T -> T')],
  Cast: [form(13, 'any -> @to', { to: 'int!' })],
  Shape: [form(13, 'any -> int64'), form(15, 'any -> int64', { start: 'int', end: 'int' })],
  Reshape: [form(14, 'T, int64 -> T', { allowzero: 'int' })],
  Transpose: [form(13, 'T -> T', { perm: 'ints!' })],
  Squeeze: [form(13, 'T, int64 -> T')],
  Unsqueeze: [form(13, 'T, int64 -> T')],
  Concat: [form(13, 'T... -> T', { axis: 'int!' })],
  Split: [form(13, 'T, int64 -> T...', { axis: 'int!' })],
  Slice: [form(13, 'T, I, I, I?, I? -> T')],
  Expand: [form(13, 'T, int64 -> T')],
  Range: [form(11, 'N, N, N -> N')],
  Gather: [form(13, 'T, I -> T', { axis: 'int!' })],
  GatherElements: [form(13, 'T, I -> T', { axis: 'int!' })],
  ScatterND: [form(13, 'T, int64, T -> T'), form(16, 'T, int64, T -> T', { reduction: 'string' })],
  OneHot: [form(11, 'I, N, T -> T', { axis: 'int!' })],

  RNN: [form(14, 'float32, float32, float32, float32?, int32?, float32? -> float32?, float32?', recurrentAttributes)],
  LSTM: [
    form(
      14,
      'float32, float32, float32, float32?, int32?, float32?, float32?, float32? -> float32?, float32?, float32?',
      { ...recurrentAttributes, input_forget: 'int!' },
    ),
  ],
  GRU: [
    form(14, 'float32, float32, float32, float32?, int32?, float32? -> float32?, float32?', {
      ...recurrentAttributes,
      linear_before_reset: 'int!',
    }),
  ],
  Scan: [
    form(11, 'any... -> any...', {
      body: 'graph!',
      num_scan_inputs: 'int!',
      scan_input_axes: 'ints',
      scan_input_directions: 'ints',
      scan_output_axes: 'ints',
      scan_output_directions: 'ints',
    }),
  ],
};

/** The form of `op` at `opset`; undefined when there is none. */
export function operatorAt(op: string, opset: number): Operator | undefined {
  return Object.hasOwn(operators, op) ? operators[op]?.findLast(({ since }) => since <= opset) : undefined;
}
