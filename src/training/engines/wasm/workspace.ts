/**
 * The memory of a thread's share of a step, planned before it: every layer reserves what it needs for one shape of
 * batch, so that a step computes and never allocates. All shapes share the same memory above the weights; what must be
 * there before the first step of a shape (records, constant indices) is written whenever the shape changes.
 */
import type { StepAddress } from '../../engine.ts';
import type { Address, KernelMemory, Kernels } from './kernels.ts';

/** Rows of the batch that are computed side by side. */
export const lanes = 8;
const bytesPerFloat = 4;

/** Bytes of `count` values of one group. */
export function valueBytes(count: number): number {
  return count * lanes * bytesPerFloat;
}

/** Where the batch lies. Positions are [time][group][lane]; rows that only fill up the last group repeat the last row. */
export interface BatchPlaces {
  /** As they come, [rows, time]. */
  readonly given: Address;
  readonly ids: Address; // [positions]
  /** Bits set where an id is not 0, [positions]; 0: the model does not mask. */
  readonly mask: Address;
  /** −1 for each id of the vocabulary, between batches. */
  readonly seen: Address;
  /** The different ids, filled up to a multiple of `lanes` with the first. */
  readonly uniqueIds: Address;
  /** Place of a position's id in `uniqueIds`, [positions]. */
  readonly uniqueOf: Address;
  /** Most different ids there can be, rounded up to whole groups. */
  readonly maxUniqueGroups: number;
  /** 0, 1, 2 … for as many. */
  readonly count: Address;
  /** Row of each lane, [groups][lane]. */
  readonly rowOf: Address;
  /** Row · time + step of each position: where drawn masks of [rows, time] keep it. */
  readonly drawnOf: Address;
}

/** Rows of a batch that one thread computes. */
export interface Share {
  readonly rows: number;
  readonly time: number;
  /** Row of the batch that is its first: a multiple of `lanes`. */
  readonly firstRow: number;
}

/** Where a state lies that enters the first time step, [groups][units][lane]. */
export interface InitialState {
  /** As in `ModelPlan.states`. */
  readonly name: string;
  readonly units: number;
  readonly at: Address;
}

/** What changes from step to step. */
export interface Pass {
  /** Undefined outside training: nothing is dropped. */
  address: StepAddress | undefined;
  /** Groups of different ids in this batch. */
  uniqueGroups: number;
}

export interface Workspace {
  readonly kernels: Kernels;
  readonly rows: number;
  readonly time: number;
  readonly firstRow: number;
  readonly groups: number;
  /** Groups of a whole sequence: time · groups. */
  readonly positions: number;
  readonly batch: BatchPlaces;
  readonly pass: Pass;
  /** Filled with each batch; a layer adds its own. */
  readonly initialStates: InitialState[];
  weight(name: string): Address;
  gradient(name: string): Address;
  /** Room for floats, or anything of four bytes. */
  reserve(floats: number): Address;
  /** Room for `count` values of `groups` groups. */
  values(count: number, groups: number): Address;
  /** The same, zero before every way back. */
  gradients(count: number, groups: number): Address;
  /** Room for what `addOuter` copies together, for `inner` rows of a gradient. */
  outerScratch(inner: number): Address;
  /** Writes what stays as it is while batches have this shape. */
  onEnter(write: (memory: KernelMemory) => void): void;
}

export interface PlannedWorkspace extends Workspace {
  /** First address after everything reserved. */
  end(): Address;
  enter(memory: KernelMemory): void;
  clearGradients(): void;
}

export interface WorkspaceOptions {
  readonly kernels: Kernels;
  readonly share: Share;
  readonly vocabularySize: number;
  readonly masks: boolean;
  /** First address that is free. */
  readonly begin: Address;
  readonly weight: (name: string) => Address;
  readonly gradient: (name: string) => Address;
}

export function planWorkspace(options: WorkspaceOptions): PlannedWorkspace {
  const { kernels, share, vocabularySize, masks } = options;
  const { rows, time, firstRow } = share;
  const groups = Math.ceil(rows / lanes);
  const positions = time * groups;
  const maxUniqueGroups = Math.ceil(Math.min(vocabularySize, rows * time) / lanes);
  const written: ((memory: KernelMemory) => void)[] = [];
  const cleared: { readonly at: Address; readonly bytes: number }[] = [];
  let end = options.begin;

  function reserve(floats: number): Address {
    const at = end;
    end += 64 * Math.ceil((floats * bytesPerFloat) / 64); // whole cache lines
    return at;
  }
  const values = (count: number, ofGroups: number) => reserve(count * ofGroups * lanes);

  const batch: BatchPlaces = {
    given: reserve(rows * time),
    ids: values(1, positions),
    mask: masks ? values(1, positions) : 0,
    seen: reserve(vocabularySize),
    uniqueIds: values(1, maxUniqueGroups),
    uniqueOf: values(1, positions),
    maxUniqueGroups,
    count: values(1, maxUniqueGroups),
    rowOf: values(1, groups),
    drawnOf: values(1, positions),
  };
  written.push(({ buffer }) => {
    const padded = groups * lanes;
    new Int32Array(buffer, batch.seen, vocabularySize).fill(-1);
    new Int32Array(buffer, batch.count, maxUniqueGroups * lanes).forEach((_, i, all) => {
      all[i] = i;
    });
    new Int32Array(buffer, batch.rowOf, padded).forEach((_, lane, all) => {
      all[lane] = Math.min(lane, rows - 1);
    });
    new Int32Array(buffer, batch.drawnOf, positions * lanes).forEach((_, p, all) => {
      all[p] = Math.min(p % padded, rows - 1) * time + Math.floor(p / padded);
    });
  });

  return {
    kernels,
    rows,
    time,
    firstRow,
    groups,
    positions,
    batch,
    pass: { address: undefined, uniqueGroups: 0 },
    initialStates: [],
    weight: options.weight,
    gradient: options.gradient,
    reserve,
    values,
    gradients: (count, ofGroups) => {
      const at = values(count, ofGroups);
      cleared.push({ at, bytes: valueBytes(count) * ofGroups });
      return at;
    },
    outerScratch: (inner) => values(inner + 4, 64),
    onEnter: (write) => written.push(write),
    end: () => end,
    enter: (memory) => {
      for (const write of written) write(memory);
    },
    clearGradients: () => {
      for (const { at, bytes } of cleared) kernels.fill(at, 0, bytes);
    },
  };
}
