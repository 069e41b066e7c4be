/** The record that a walking kernel is given: the class `Recurrence` of assembly/recurrence.ts, which says what each field is. */
import type { Address } from './kernels.ts';
import type { Workspace } from './workspace.ts';

/** In the order of the class, int32 each. */
const fields = [
  'units',
  'time',
  'groups',
  'backwards',
  'activation',
  'recurrentActivation',
  'gates',
  'recurrent',
  'reset',
  'hidden',
  'carry',
  'carryOut',
  'previous',
  'recurrentMask',
  'mask',
  'kernel',
  'kernelTransposed',
  'candidateKernel',
  'candidateKernelTransposed',
  'recurrentBias',
  'outputGradient',
  'hiddenGradient',
  'carryGradient',
  'previousGradient',
  'resetGradient',
] as const;

/** What is left out is 0. */
export type WalkRecord = { readonly [Field in (typeof fields)[number]]?: number };

/** Room for a record, which is written whenever batches take this shape. */
export function placeRecord(workspace: Workspace, record: WalkRecord): Address {
  const place = workspace.reserve(fields.length);
  workspace.onEnter(({ buffer }) => {
    new Int32Array(buffer, place, fields.length).set(fields.map((field) => record[field] ?? 0));
  });
  return place;
}
