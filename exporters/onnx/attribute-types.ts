import type { Attribute } from '../graph/graph.ts';

/** The number under which ONNX knows each type of attribute. */
export const attributeTypes = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
} as const satisfies Record<Attribute['type'], number>;
