/**
 * A model laid out for one shape of batch: whole groups of rows are shared out to the threads, and each share is a
 * network of its own, with its own workspace above the weights.
 */
import type { ModelPlan } from '../../../../models/plan.ts';
import type { Batch, StepAddress } from '../../engine.ts';
import type { Address, KernelMemory, Kernels } from './kernels.ts';
import { batchLoader } from './load-batch.ts';
import { layOutNetwork } from './network.ts';
import type { Parameters } from './parameters.ts';
import { lanes, planWorkspace, type Share } from './workspace.ts';

export interface Program {
  /** First address after it. */
  readonly end: Address;
  readonly shares: readonly ShareProgram[];
}

/** One thread's part of a step. */
export interface ShareProgram {
  /** Writes what stays while batches have this shape. */
  enter(memory: KernelMemory): void;
  /** @param address of the dropout masks; undefined: nothing is dropped, and no way back follows */
  forward(batch: Batch, address: StepAddress | undefined): void;
  /** After `writeGradient`. */
  backward(): void;
  /** @param logits of the whole batch, [rows, outputs] */
  readLogits(logits: Float32Array): void;
  /** @param gradient of the whole batch, [rows, outputs] */
  writeGradient(gradient: Float32Array): void;
}

/** Rows that are computed side by side cannot be shared out. */
export function mostShares(rows: number): number {
  return Math.ceil(rows / lanes);
}

/** Shares that differ by one group of rows at most; the first, the main thread's, which has most else to do, is smallest. */
function shareOut(rows: number, time: number, threads: number): readonly Share[] {
  const groups = mostShares(rows);
  const count = Math.min(threads, groups);
  const firstRow = (share: number) => lanes * Math.floor((groups * share) / count);
  return Array.from({ length: count }, (_, share) => ({
    firstRow: firstRow(share),
    rows: Math.min(rows, firstRow(share + 1)) - firstRow(share),
    time,
  }));
}

/** @param kernels of each thread; the first ones compute at once */
export function layOutProgram(
  plan: ModelPlan,
  parameters: Parameters,
  kernels: readonly Kernels[],
  { rows, time }: { readonly rows: number; readonly time: number },
): Program {
  let end = parameters.end;
  const shares = shareOut(rows, time, kernels.length).map((share, thread) => {
    const planned = layOutShare(plan, parameters, kernels, thread, share, end);
    end = planned.end;
    return planned.program;
  });
  return { end, shares };
}

function layOutShare(
  plan: ModelPlan,
  parameters: Parameters,
  kernels: readonly Kernels[],
  thread: number,
  share: Share,
  begin: Address,
): { readonly end: Address; readonly program: ShareProgram } {
  const workspace = planWorkspace({
    kernels: kernels[thread] as Kernels,
    share,
    vocabularySize: plan.vocabularySize,
    masks: plan.maskZero,
    begin,
    weight: parameters.weight,
    gradient: (name) => parameters.gradient(name, thread),
  });
  const network = layOutNetwork(workspace, plan);
  const { outputs } = plan.head;
  const size = outputs * workspace.groups * lanes;
  let load: (batch: Batch) => void;
  let logitValues: Float32Array;
  let logitGradients: Float32Array;

  /** Calls `use` with the place of each logit in the whole batch, and in lanes. */
  function eachLogit(use: (place: number, inLanes: number) => void) {
    for (let row = 0; row < share.rows; row++) {
      for (let output = 0; output < outputs; output++) {
        const inLanes = (Math.floor(row / lanes) * outputs + output) * lanes + (row % lanes);
        use((share.firstRow + row) * outputs + output, inLanes);
      }
    }
  }

  return {
    end: workspace.end(),
    program: {
      enter: (memory) => {
        workspace.enter(memory);
        load = batchLoader(workspace, kernels[0] as Kernels, memory);
        logitValues = new Float32Array(memory.buffer, network.output.value, size);
        logitGradients = new Float32Array(memory.buffer, network.output.gradient, size);
      },
      forward: (batch, address) => {
        load(batch);
        workspace.pass.address = address;
        network.forward();
        if (address) workspace.clearGradients();
      },
      backward: network.backward,
      readLogits: (logits) =>
        eachLogit((place, inLanes) => {
          logits[place] = logitValues[inLanes] as number;
        }),
      writeGradient: (gradient) =>
        eachLogit((place, inLanes) => {
          logitGradients[inLanes] = gradient[place] as number;
        }),
    },
  };
}
