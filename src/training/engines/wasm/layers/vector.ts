import type { Vector } from '../signal.ts';
import type { Workspace } from '../workspace.ts';

/** Room for a vector of every row, and for its gradient. */
export function vector({ values, gradients, groups }: Workspace, features: number): Vector {
  return { kind: 'vector', features, value: values(features, groups), gradient: gradients(features, groups) };
}
