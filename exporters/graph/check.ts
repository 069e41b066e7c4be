/**
 * The structural checker. Lowering is believed only after this: a graph that passes is in single-assignment form and
 * topological order, uses known operators with the attributes, arity and element types of its opset, and has no dead part.
 */
import { checkRecurrent } from './check-recurrent.ts';
import { checkTensor } from './check-tensor.ts';
import { type Known, refuse } from './checking.ts';
import {
  type Attribute,
  absent,
  type DataType,
  type Dimension,
  dataTypeCodes,
  type Graph,
  type ModelGraph,
  type Node,
  type Value,
} from './graph.ts';
import { type Operator, operatorAt, type Slot } from './operators.ts';
import { irVersions } from './opsets.ts';

interface Checked {
  readonly opset: number;
  /** Names are unique in the whole model, bodies included. */
  readonly valueNames: Set<Value>;
  readonly nodeNames: Set<string>;
  readonly used: Set<Value>;
}

/** @throws GRAPH_INVALID naming the node or value and what is wrong with it */
export function checkGraph(model: ModelGraph): void {
  if (irVersions[model.opset] === undefined) refuse('model', `has opset ${model.opset}`);
  if (model.outputs.length === 0) refuse('model', 'has no output');
  const keys = model.metadata.map(([key]) => key);
  const repeated = keys.find((key, index) => keys.indexOf(key) !== index);
  if (repeated !== undefined) refuse('model', `has metadata ${repeated} twice`);

  const checked: Checked = { opset: model.opset, valueNames: new Set(), nodeNames: new Set(), used: new Set() };
  checkBody(model, new Map(), checked);
  checkDead(model, checked.used);
}

/** @param visible the values of the graphs around this one; those of this one are not added to it */
function checkBody(graph: Graph, visible: ReadonlyMap<Value, Known>, checked: Checked): void {
  if (graph.name === '') refuse('a graph', 'has no name');
  const known = new Map(visible);
  const define = (name: Value, value: Known, where: string) => {
    if (name === absent) refuse(where, 'has no name');
    if (checked.valueNames.has(name)) refuse(where, 'is defined twice');
    checked.valueNames.add(name);
    known.set(name, value);
  };
  for (const { name, dataType, shape } of graph.inputs) {
    const where = `input ${name}`;
    checkType(dataType, where);
    checkShape(shape, where);
    define(name, { dataType, shape }, where);
  }
  for (const { name, tensor } of graph.initialisers) {
    const where = `initialiser ${name}`;
    checkTensor(tensor, where);
    define(name, { dataType: tensor.dataType, shape: tensor.dims }, where);
  }
  for (const node of graph.nodes) {
    const types = checkNode(node, known, checked);
    for (const [index, name] of node.outputs.entries()) {
      if (name !== absent) define(name, { dataType: types[index] as DataType }, `value ${name}`);
    }
  }
  const outputs = new Set<Value>();
  for (const { name, dataType, shape } of graph.outputs) {
    const where = `output ${name}`;
    const value = known.get(name);
    if (!value) refuse(where, 'is not produced');
    if (value.dataType !== dataType) refuse(where, `is ${value.dataType}, declared as ${dataType}`);
    if (outputs.has(name)) refuse(where, 'is listed twice');
    checkShape(shape, where);
    outputs.add(name);
    checked.used.add(name);
  }
}

/** @returns the element types of the node's outputs */
function checkNode(node: Node, known: ReadonlyMap<Value, Known>, checked: Checked): readonly DataType[] {
  if (node.name === '') refuse(`a ${node.op} node`, 'has no name');
  const where = `node ${node.name}`;
  if (checked.nodeNames.has(node.name)) refuse(where, 'is the name of two nodes');
  checked.nodeNames.add(node.name);

  const operator = operatorAt(node.op, checked.opset);
  if (!operator) refuse(where, `has operator ${node.op}, which opset ${checked.opset} lacks or is not used here`);
  checkAttributes(node, operator, where);
  const inputs = node.inputs.map((name) => {
    if (name === absent) return undefined;
    const value = known.get(name);
    if (!value) refuse(where, `takes ${name}, which is not defined before it`);
    checked.used.add(name);
    return value;
  });
  checkArity(inputs, operator.inputs, `${where}: inputs`);
  checkArity(
    node.outputs.map((name) => (name === absent ? undefined : name)),
    operator.outputs,
    `${where}: outputs`,
  );
  if (node.op === 'Scan') return checkScan(node, inputs as readonly Known[], known, checked);
  checkRecurrent(node, inputs);
  return resultTypes(node, inputs, operator, where);
}

function checkAttributes({ attributes }: Node, operator: Operator, where: string): void {
  for (const [name, attribute] of Object.entries(attributes)) {
    const form = Object.hasOwn(operator.attributes, name) ? operator.attributes[name] : undefined;
    if (form === undefined) refuse(where, `has attribute ${name}, which its operator does not take`);
    const type = form.replace('!', '');
    if (attribute.type !== type) refuse(where, `has attribute ${name} of type ${attribute.type}, not ${type}`);
    checkAttribute(attribute, `${where}: attribute ${name}`);
  }
  for (const [name, form] of Object.entries(operator.attributes)) {
    if (form.endsWith('!') && !Object.hasOwn(attributes, name)) refuse(where, `lacks attribute ${name}`);
  }
}

function checkAttribute(attribute: Attribute, where: string): void {
  switch (attribute.type) {
    case 'int':
    case 'ints':
      if ([attribute.value].flat().some((value) => !Number.isSafeInteger(value))) refuse(where, 'is not whole');
      return;
    case 'float':
    case 'floats':
      if ([attribute.value].flat().some((value) => !Number.isFinite(value))) refuse(where, 'is not finite');
      return;
    case 'tensor':
      checkTensor(attribute.value, where);
      return;
    case 'string':
    case 'strings':
    case 'graph':
      return;
  }
}

function checkArity(given: readonly unknown[], slots: readonly Slot[], where: string): void {
  const repeats = slots.at(-1)?.repeated ?? false;
  if (given.length > slots.length && !repeats) refuse(where, `are ${given.length}, at most ${slots.length} are taken`);
  const all = Math.max(given.length, slots.length);
  for (let index = 0; index < all; index++) {
    const slot = (slots[index] ?? slots.at(-1)) as Slot;
    if (given[index] === undefined && !slot.optional) refuse(where, `lack number ${index}`);
  }
}

/** Admissible element types of each letter in a signature. */
const typeSets: Readonly<Record<string, readonly DataType[]>> = {
  T: ['float32', 'int32', 'int64', 'bool'],
  any: ['float32', 'int32', 'int64', 'bool'],
  N: ['float32', 'int32', 'int64'],
  I: ['int32', 'int64'],
};

function resultTypes(
  node: Node,
  inputs: readonly (Known | undefined)[],
  operator: Operator,
  where: string,
): readonly DataType[] {
  const bound = new Map<string, DataType>();
  for (const [index, input] of inputs.entries()) {
    if (!input) continue;
    const { type } = (operator.inputs[index] ?? operator.inputs.at(-1)) as Slot;
    const expected = bound.has(type) ? [bound.get(type)] : (typeSets[type] ?? [type]);
    if (!expected.includes(input.dataType)) {
      refuse(where, `takes ${node.inputs[index]} of type ${input.dataType}, not ${expected.join(' or ')}`);
    }
    if (type !== 'any') bound.set(type, input.dataType);
  }
  return node.outputs.map((_, index) => {
    const { type } = (operator.outputs[index] ?? operator.outputs.at(-1)) as Slot;
    if (type === '@to') return castType(node, where);
    return bound.get(type) ?? (type as DataType);
  });
}

function castType(node: Node, where: string): DataType {
  const code = node.attributes.to?.value;
  const type = (Object.keys(dataTypeCodes) as DataType[]).find((name) => dataTypeCodes[name] === code);
  return type ?? refuse(where, `casts to element type ${String(code)}`);
}

/** Scan hands its inputs to its body one for one, states first, and gives what the body gives. */
function checkScan(
  node: Node,
  inputs: readonly Known[],
  known: ReadonlyMap<Value, Known>,
  checked: Checked,
): readonly DataType[] {
  const where = `node ${node.name}`;
  const body = node.attributes.body?.value as Graph;
  const scanned = node.attributes.num_scan_inputs?.value as number;
  const states = inputs.length - scanned;
  if (scanned < 1 || states < 0) refuse(where, `scans ${scanned} of ${inputs.length} inputs`);
  if (body.inputs.length !== inputs.length) {
    refuse(where, `has ${inputs.length} inputs, its body ${body.inputs.length}`);
  }
  if (body.outputs.length !== node.outputs.length || body.outputs.length < states) {
    refuse(where, `has ${node.outputs.length} outputs and ${states} states, its body ${body.outputs.length} outputs`);
  }
  for (const [index, { name, dataType }] of body.inputs.entries()) {
    const given = inputs[index]?.dataType;
    if (given !== dataType) refuse(where, `gives its body ${given} for ${name}, which is ${dataType}`);
    const next = body.outputs[index];
    if (index < states && next?.dataType !== dataType) refuse(where, `has a state ${name} that changes its type`);
  }
  checkBody(body, known, checked);
  return body.outputs.map(({ dataType }) => dataType);
}

function checkType(dataType: DataType, where: string): void {
  if (!Object.hasOwn(dataTypeCodes, dataType)) refuse(where, `has element type ${dataType}`);
}

function checkShape(shape: readonly Dimension[], where: string): void {
  for (const dimension of shape) {
    const valid = typeof dimension === 'string' ? dimension !== '' : Number.isSafeInteger(dimension) && dimension > 0;
    if (!valid) refuse(where, `has a dimension ${JSON.stringify(dimension)}`);
  }
}

/** Whatever nobody uses is a mistake of the lowering, or weights carried for nothing. */
function checkDead(graph: Graph, used: ReadonlySet<Value>): void {
  for (const { name } of graph.initialisers) if (!used.has(name)) refuse(`initialiser ${name}`, 'is used by no node');
  for (const { name, outputs, attributes } of graph.nodes) {
    if (!outputs.some((output) => used.has(output))) refuse(`node ${name}`, 'has no output that is used');
    for (const attribute of Object.values(attributes)) {
      if (attribute.type === 'graph') checkDead(attribute.value, used);
    }
  }
}
