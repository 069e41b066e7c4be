/**
 * Gradients written out: a penalty moves every row of a table, and a norm is over all gradients, so where a step asks
 * for these the rows of the threads are added up in arrays of the tables' sizes.
 */
import type { ModelPlan } from '../../../../models/plan.ts';
import type { Fed } from './feeds.ts';
import type { ParameterLayout, PlacedParameter } from './parameter-layout.ts';
import type { ParameterMemory } from './parameter-memory.ts';
import { sharedArray } from './shared-array.ts';

/** Stands in an update for the rows of one thread that saw every id. */
export interface DenseGradients extends Pick<Fed, 'placeOf' | 'rowGradients'> {
  /** Adds up what the threads found, and gives it with the weights, in place. */
  gather(fed: readonly Fed[]): { name: string; weight: Float32Array; gradient: Float32Array }[];
}

export function denseGradients(
  { vocabularySize }: ModelPlan,
  { weights, gradients }: Pick<ParameterMemory, 'weights' | 'gradients'>,
  layout: ParameterLayout,
): DenseGradients {
  const placeOf = sharedArray('int32', vocabularySize);
  placeOf.forEach((_, id) => {
    placeOf[id] = id;
  });
  const rowGradients = layout.tables.map(({ length }) => sharedArray('float32', length));
  const at = ({ offset, length }: PlacedParameter, flat: Float32Array) => flat.subarray(offset, offset + length);

  function gatherTable({ shape, length }: PlacedParameter, table: number, fed: readonly Fed[]): Float32Array {
    const sum = rowGradients[table] as Float32Array;
    const width = length / (shape[0] as number);
    sum.fill(0);
    for (const share of fed) {
      const rows = share.rowGradients[table] as Float32Array;
      for (let id = 0; id < vocabularySize; id++) {
        const place = share.placeOf[id] as number;
        if (place >= 0) addTo(sum, id * width, rows.subarray(place * width, (place + 1) * width));
      }
    }
    return sum;
  }

  return {
    placeOf,
    rowGradients,
    gather(fed) {
      const [first, ...others] = gradients.slice(0, fed.length) as [Float32Array, ...Float32Array[]];
      for (const other of others) addTo(first, 0, other);
      return [
        ...layout.whole.map((one) => ({ name: one.name, weight: at(one, weights), gradient: at(one, first) })),
        ...layout.tables.map((one, table) => ({
          ...{ name: one.name, weight: at(one, weights) },
          gradient: gatherTable(one, table, fed),
        })),
      ];
    },
  };
}

function addTo(sum: Float32Array, from: number, values: Float32Array): void {
  for (let i = 0; i < values.length; i++) sum[from + i] = (sum[from + i] as number) + (values[i] as number);
}
