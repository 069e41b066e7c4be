/** The sizes of a model that the curves vary, one at a time. */

/** Where the curves cross. */
export const middle = { rows: 64, time: 100, inputs: 64, units: 64, vocabulary: 10_000 } as const;

export const axes = {
  time: [25, 50, 100, 200, 400],
  rows: [8, 16, 32, 64, 128, 256],
  units: [8, 16, 32, 64, 128, 256],
  vocabulary: [500, 2_000, 10_000, 50_000],
} as const satisfies Partial<Record<keyof typeof middle, readonly number[]>>;
export const axisNames = ['time', 'rows', 'units', 'vocabulary'] as const satisfies readonly (keyof typeof axes)[];
export type AxisName = (typeof axisNames)[number];
