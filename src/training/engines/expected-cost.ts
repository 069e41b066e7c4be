/**
 * How long a training step takes on an engine, read off a table that was measured once (`costs.ts`). Only the shape
 * and the number of threads go in, never the machine, so that `auto` decides the same everywhere and every byte of a
 * run repeats. What is expected is right for choosing, not for promising: on another machine all figures move together.
 *
 * A step costs a fixed time, a time a weight (the optimiser), and for each recurrent layer and direction a time that
 * depends on its units (between measured ones: a power law), its rows (a straight line) and its time steps (in
 * proportion).
 */
import type { RecurrentLayer } from '../../../models/layers.ts';
import { countParameters, planModel, recurrencesOf } from '../../../models/plan.ts';
import type { EngineLoad, EngineName } from '../engine.ts';

export type RecurrentKind = RecurrentLayer['type'];

/** Measured times of one engine with one number of threads, in milliseconds. */
export interface EngineCosts {
  /** Of every step, whatever the layers. */
  readonly step: number;
  /** For each million of weights. */
  readonly millionWeights: number;
  /** For 100 time steps, forward and backward, [rows][units]. */
  readonly layers: Readonly<Record<RecurrentKind, readonly (readonly number[])[]>>;
}

export interface CostTable {
  /** Where it was measured. */
  readonly machine: string;
  /** Rising. */
  readonly units: readonly number[];
  /** Two, rising. */
  readonly rows: readonly [number, number];
  readonly engines: Readonly<Partial<Record<EngineName, { readonly one: EngineCosts; readonly two: EngineCosts }>>>;
}

/**
 * Milliseconds of a step; undefined when the table does not know the engine. From one and two threads follows what
 * does not get faster by threads (Amdahl's law), and from that the time with more.
 *
 * @param most threads that have something to do: the slowest has that share of the work which does not divide evenly
 */
export function expectedStep(table: CostTable, engine: EngineName, load: EngineLoad, most: number): number | undefined {
  const costs = table.engines[engine];
  if (!costs) return undefined;
  const one = stepCost(table, costs.one, load);
  const parallel = Math.min(2 * (one - stepCost(table, costs.two, load)), one); // more than all of it was noise
  const largestShare = Math.ceil(most / load.threads) / most;
  return one - parallel * (1 - largestShare);
}

function stepCost(table: CostTable, costs: EngineCosts, { spec, rows, time }: EngineLoad): number {
  const plan = planModel(spec);
  return spec.layers
    .flatMap(recurrencesOf)
    .reduce(
      (sum, { layer: { type, units } }) => sum + (time / 100) * layerCost(table, costs.layers[type], rows, units),
      costs.step + (costs.millionWeights * countParameters(plan)) / 1e6,
    );
}

function layerCost(
  { rows: measured, units }: CostTable,
  costs: readonly (readonly number[])[],
  rows: number,
  at: number,
) {
  const [few, many] = costs.map((byUnits) => powerLaw(units, byUnits, at)) as [number, number];
  const slope = Math.max(many - few, 0) / (measured[1] - measured[0]);
  return Math.max(few + slope * (rows - measured[0]), 0);
}

/** y at x, between the two measured points around it or beyond the outermost two, on a straight line of logarithms. */
function powerLaw(xs: readonly number[], ys: readonly number[], x: number): number {
  const above = xs.findIndex((known) => known >= x);
  const right = above === -1 ? xs.length - 1 : Math.max(above, 1);
  const [x0, x1] = [xs[right - 1] as number, xs[right] as number];
  const [y0, y1] = [ys[right - 1] as number, ys[right] as number];
  return y0 * (y1 / y0) ** (Math.log(x / x0) / Math.log(x1 / x0));
}
