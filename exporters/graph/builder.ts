/**
 * Builds graphs. Each method adds one node and gives the name of its result, so that lowering reads like the maths;
 * where an operator changed its form between opsets, the difference stays in here.
 */
import { fail } from '../../src/core/errors.ts';
import {
  type Attribute,
  type DataType,
  type Dimension,
  dataTypeCodes,
  type Graph,
  type Initialiser,
  type Node,
  type Tensor,
  type Value,
  type ValueInfo,
} from './graph.ts';

/** Plain numbers are integers and plain strings strings; a real number is written `float(x)`. */
export type AttributeInput = Attribute | number | string | readonly number[] | readonly string[];

/** Real attributes are float32 in ONNX. */
export const float = (value: number): Attribute => ({ type: 'float', value: Math.fround(value) });
export const floats = (values: readonly number[]): Attribute => ({ type: 'floats', value: values.map(Math.fround) });

export interface GraphBuilder {
  readonly opset: number;
  /** A builder of the same graph whose names begin with `name/`. */
  scope(name: string): GraphBuilder;
  input(name: Value, dataType: DataType, shape: readonly Dimension[]): Value;
  initialiser(name: string, tensor: Tensor): Value;
  /** Constants: a number is a scalar, an array a vector. Equal ones are stored once. */
  float32(values: number | readonly number[]): Value;
  int32(values: number | readonly number[]): Value;
  int64(values: number | readonly number[]): Value;
  /** Adds a node. Attributes that are undefined are left out. */
  node(op: string, inputs: readonly Value[], attributes?: Readonly<Record<string, AttributeInput | undefined>>): Value;
  /** Adds a node with several outputs; an output whose flag is false is left out. */
  nodes(
    op: string,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, AttributeInput | undefined>>,
    outputs: readonly boolean[],
  ): readonly Value[];
  /** Names `value` as an output of the graph. */
  output(name: Value, value: Value, dataType: DataType, shape: readonly Dimension[]): void;
  /**
   * The body of a control-flow node; it may use every value that exists so far.
   * @param fill adds inputs, nodes and outputs, named under `name/`
   */
  body(name: string, fill: (g: GraphBuilder) => void): Attribute;
  build(name: string): Graph;

  add(x: Value, y: Value): Value;
  sub(x: Value, y: Value): Value;
  mul(x: Value, y: Value): Value;
  div(x: Value, y: Value): Value;
  max(x: Value, y: Value): Value;
  equal(x: Value, y: Value): Value;
  less(x: Value, y: Value): Value;
  greater(x: Value, y: Value): Value;
  not(x: Value): Value;
  where(condition: Value, then: Value, otherwise: Value): Value;
  sigmoid(x: Value): Value;
  tanh(x: Value): Value;
  relu(x: Value): Value;
  softmax(x: Value, axis: number): Value;
  matmul(x: Value, y: Value): Value;
  sum(x: Value, axis: number): Value;
  mean(x: Value, axis: number): Value;
  maximum(x: Value, axis: number): Value;
  cast(x: Value, to: DataType): Value;
  shape(x: Value): Value;
  transpose(x: Value, perm: readonly number[]): Value;
  squeeze(x: Value, axis: number): Value;
  unsqueeze(x: Value, axis: number): Value;
  concat(parts: readonly Value[], axis: number): Value;
  /** The slices of `x` along `axis` that `indices` names; a scalar index takes the axis away. */
  gather(x: Value, indices: Value, axis: number): Value;
  /** `x` with the order along `axis` turned round. */
  reverse(x: Value, axis: number): Value;
}

/** What a graph and the bodies inside it share. */
interface Model {
  readonly opset: number;
  readonly taken: Set<string>;
  /** Initialisers of the outermost graph by value: bodies see them too. */
  readonly constants: Map<string, Initialiser>;
}

export function createGraphBuilder(opset: number): GraphBuilder {
  const model: Model = { opset, taken: new Set(), constants: new Map() };
  const builder = open(model, '');
  return {
    ...builder,
    build(name) {
      const graph = builder.build(name);
      return { ...graph, initialisers: [...graph.initialisers, ...model.constants.values()] };
    },
  };
}

/** A graph, or the body of one, whose names begin with `start`. */
function open(model: Model, start: string): GraphBuilder {
  const { opset, taken, constants } = model;
  const inputs: ValueInfo[] = [];
  const outputs: (ValueInfo & { readonly value: Value })[] = [];
  const initialisers: Initialiser[] = [];
  const nodes: Node[] = [];

  function free(name: string): string {
    let candidate = name;
    for (let count = 1; taken.has(candidate); count++) candidate = `${name}_${count}`;
    taken.add(candidate);
    return candidate;
  }

  function constant(values: number | readonly number[], of: (values: readonly number[]) => Tensor): Value {
    const dims = typeof values === 'number' ? [] : [values.length];
    const tensor = { ...of([values].flat()), dims };
    const text = `${tensor.dataType}(${typeof values === 'number' ? values : `[${values.join(', ')}]`})`;
    const stored = constants.get(text) ?? { name: free(text), tensor };
    constants.set(text, stored);
    return stored.name;
  }

  function scoped(prefix: string): GraphBuilder {
    const add: GraphBuilder['nodes'] = (op, ins, attributes, wanted) => {
      const name = free(`${prefix}${op}`);
      const stated = Object.entries(attributes).flatMap(([key, value]) =>
        value === undefined ? [] : [[key, attributeOf(value)] as const],
      );
      const outs = wanted.map((want, index) => (want ? (wanted.length === 1 ? name : `${name}:${index}`) : ''));
      nodes.push({ name, op, inputs: ins, outputs: outs, attributes: Object.fromEntries(stated) });
      return outs;
    };
    const node: GraphBuilder['node'] = (op, ins, attributes = {}) => add(op, ins, attributes, [true])[0] as Value;
    const int64: GraphBuilder['int64'] = (values) =>
      constant(values, (list) => ({ dataType: 'int64', dims: [], data: BigInt64Array.from(list, BigInt) }));
    /** From opset 18 on all reductions take their axes as an input. */
    const reduce = (op: string, x: Value, axis: number) =>
      op === 'ReduceSum' || opset >= 18
        ? node(op, [x, int64([axis])], { keepdims: 0 })
        : node(op, [x], { axes: [axis], keepdims: 0 });

    return {
      opset,
      scope: (name) => scoped(`${prefix}${name}/`),
      input(name, dataType, shape) {
        const value = free(`${prefix}${name}`);
        inputs.push({ name: value, dataType, shape });
        return value;
      },
      initialiser(name, tensor) {
        const value = free(`${prefix}${name}`);
        initialisers.push({ name: value, tensor });
        return value;
      },
      float32: (values) =>
        constant(values, (list) => ({ dataType: 'float32', dims: [], data: Float32Array.from(list) })),
      int32: (values) => constant(values, (list) => ({ dataType: 'int32', dims: [], data: Int32Array.from(list) })),
      int64,
      node,
      nodes: add,
      output(name, value, dataType, shape) {
        const renamable =
          nodes.some((each) => each.outputs.includes(value)) && !outputs.some((output) => output.value === value);
        const produced = renamable ? value : node('Identity', [value]);
        outputs.push({ name: free(`${prefix}${name}`), value: produced, dataType, shape });
      },
      body(name, fill) {
        const inner = open(model, `${prefix}${name}/`);
        fill(inner);
        return { type: 'graph', value: inner.build(name) };
      },
      build(name) {
        const names = new Map(outputs.map((output) => [output.value, output.name]));
        return {
          name,
          inputs,
          outputs: outputs.map(({ value: _, ...info }) => info),
          initialisers,
          nodes: rename(nodes, names),
        };
      },

      add: (x, y) => node('Add', [x, y]),
      sub: (x, y) => node('Sub', [x, y]),
      mul: (x, y) => node('Mul', [x, y]),
      div: (x, y) => node('Div', [x, y]),
      max: (x, y) => node('Max', [x, y]),
      equal: (x, y) => node('Equal', [x, y]),
      less: (x, y) => node('Less', [x, y]),
      greater: (x, y) => node('Greater', [x, y]),
      not: (x) => node('Not', [x]),
      where: (condition, then, otherwise) => node('Where', [condition, then, otherwise]),
      sigmoid: (x) => node('Sigmoid', [x]),
      tanh: (x) => node('Tanh', [x]),
      relu: (x) => node('Relu', [x]),
      softmax: (x, axis) => node('Softmax', [x], { axis }),
      matmul: (x, y) => node('MatMul', [x, y]),
      sum: (x, axis) => reduce('ReduceSum', x, axis),
      mean: (x, axis) => reduce('ReduceMean', x, axis),
      maximum: (x, axis) => reduce('ReduceMax', x, axis),
      cast: (x, to) => node('Cast', [x], { to: dataTypeCodes[to] }),
      shape: (x) => node('Shape', [x]),
      transpose: (x, perm) => node('Transpose', [x], { perm }),
      squeeze: (x, axis) => node('Squeeze', [x, int64([axis])]),
      unsqueeze: (x, axis) => node('Unsqueeze', [x, int64([axis])]),
      concat: (parts, axis) => node('Concat', parts, { axis }),
      gather: (x, indices, axis) => node('Gather', [x, indices], { axis }),
      reverse: (x, axis) => node('Slice', [x, int64([-1]), int64([-(2 ** 31)]), int64([axis]), int64([-1])]),
    };
  }
  return scoped(start);
}

/** Gives values their new names, in bodies too. */
function rename(nodes: readonly Node[], names: ReadonlyMap<Value, Value>): Node[] {
  const renamed = (value: Value) => names.get(value) ?? value;
  const inBody = (attribute: Attribute): Attribute =>
    attribute.type === 'graph'
      ? { type: 'graph', value: { ...attribute.value, nodes: rename(attribute.value.nodes, names) } }
      : attribute;
  return nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(renamed),
    outputs: node.outputs.map(renamed),
    attributes: Object.fromEntries(Object.entries(node.attributes).map(([key, value]) => [key, inBody(value)])),
  }));
}

function attributeOf(value: AttributeInput): Attribute {
  if (typeof value === 'number') return { type: 'int', value };
  if (typeof value === 'string') return { type: 'string', value };
  if (!isList(value)) return value;
  if (value.every((item) => typeof item === 'number')) return { type: 'ints', value };
  if (value.every((item) => typeof item === 'string')) return { type: 'strings', value };
  return fail('INTERNAL', 'an attribute mixes numbers and strings', 'Please report this.');
}

/** `Array.isArray` does not narrow a readonly array. */
function isList(value: AttributeInput): value is readonly number[] | readonly string[] {
  return Array.isArray(value);
}
