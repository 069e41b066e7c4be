import type { ValueInfo } from '../../../exporters/graph/graph.ts';

/** What is found in a file or a model: an object for programs, paragraphs for people. */
export interface Findings {
  readonly object: object;
  readonly paragraphs: readonly string[];
}

/** `input_ids: int32 [batch, 100]` */
export function describeValue({ name, dataType, shape }: ValueInfo): string {
  return `${name}: ${dataType} [${shape.join(', ')}]`;
}
