/** What the parts of the checker share. */
import { fail } from '../../src/core/errors.ts';
import type { DataType, Dimension } from './graph.ts';

/** What is known of a value that may be used. */
export interface Known {
  readonly dataType: DataType;
  /** Of inputs and initialisers; the shapes of results are not worked out. */
  readonly shape?: readonly Dimension[];
}

export function refuse(where: string, what: string): never {
  fail('GRAPH_INVALID', `${where} ${what}`, 'Please report this with the spec that was exported.');
}
