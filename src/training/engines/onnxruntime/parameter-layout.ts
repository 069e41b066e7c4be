/**
 * Where each parameter stands in one flat array: weights, each kind of moment and each thread's gradients are laid out
 * alike, so that an update is a walk over a range. Tables come last: parameters of which a batch touches single rows.
 * Their gradients are rows of the batch's different ids, never an array of the table's size. Each parameter begins on a
 * cache line, and zeros fill its last one: kernels take four values at a time, and V8 copies shared memory byte by byte
 * where addresses are not multiples of eight.
 */
import type { ModelPlan } from '../../../../models/plan.ts';
import { sizeOf, type Tensor } from '../../../../models/weights.ts';

export interface PlacedParameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly length: number;
}

export interface ParameterLayout {
  /** Not tables, one after another from 0. */
  readonly whole: readonly PlacedParameter[];
  readonly wholeLength: number;
  readonly tables: readonly PlacedParameter[];
  readonly length: number;
}

export function layOut({ parameters }: ModelPlan, byRow: ReadonlySet<string>): ParameterLayout {
  let length = 0;
  const place = ({ name, shape }: { readonly name: string; readonly shape: readonly number[] }): PlacedParameter => {
    const placed = { name, shape, offset: length, length: sizeOf(shape) };
    length += wholeLines(placed.length);
    return placed;
  };
  const whole = parameters.filter(({ name }) => !byRow.has(name)).map(place);
  const wholeLength = length;
  const tables = parameters.filter(({ name }) => byRow.has(name)).map(place);
  return { whole, wholeLength, tables, length };
}

/** Values of a cache line. */
const line = 16;

export function wholeLines(length: number): number {
  return line * Math.ceil(length / line);
}

/** Range `part` of `parts` of a length in whole lines. */
export function linesOf(length: number, part: number, parts: number): { readonly from: number; readonly to: number } {
  const cut = (place: number) => line * Math.floor(((length / line) * place) / parts);
  return { from: cut(part), to: cut(part + 1) };
}

/** Writes tensors to their places. @param dataOf the values of a parameter */
export function write(layout: ParameterLayout, flat: Float32Array, dataOf: (name: string) => Float32Array): void {
  for (const { name, offset } of [...layout.whole, ...layout.tables]) flat.set(dataOf(name), offset);
}

/** Copies of all tensors, in the order of the plan. */
export function read(layout: ParameterLayout, flat: Float32Array, { parameters }: ModelPlan): Map<string, Tensor> {
  const placed = new Map([...layout.whole, ...layout.tables].map((each) => [each.name, each]));
  return new Map(
    parameters.map(({ name, shape }) => {
      const { offset, length } = placed.get(name) as PlacedParameter;
      return [name, { shape, data: Float32Array.from(flat.subarray(offset, offset + length)) }];
    }),
  );
}
