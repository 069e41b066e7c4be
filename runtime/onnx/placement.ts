/**
 * Where nodes really run. onnxruntime gives a node to the CPU without a word when the chosen provider cannot run it
 * (CUDA: a recurrent node with other activations than the usual ones); only its profile of a run tells.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail } from '../../src/core/errors.ts';
import type { Feeds } from './guard.ts';
import { openSession, type SessionOptions } from './session.ts';

export interface NodePlacement {
  /** Name of the node; onnxruntime's optimiser may have fused or added some. */
  readonly node: string;
  /** Its operator, e.g. `LSTM`. */
  readonly op: string;
  /** E.g. `CPUExecutionProvider`. */
  readonly provider: string;
}

/**
 * Runs a model once with profiling.
 * @throws what `openSession` and `run` throw
 */
export async function profilePlacement(
  model: Uint8Array,
  options: SessionOptions,
  feeds: Feeds,
): Promise<NodePlacement[]> {
  const folder = await mkdtemp(join(tmpdir(), 'recurrent-onnx-profile-'));
  try {
    const session = await openSession(model, options, join(folder, 'run'));
    try {
      await session.run(feeds);
      session.endProfiling();
    } finally {
      await session.release();
    }
    const [file] = await readdir(folder);
    if (file === undefined) return fail('RUNTIME_FAILED', 'onnxruntime wrote no profile', 'Please report this.');
    return placements(JSON.parse(await readFile(join(folder, file), 'utf8')) as ProfileEvent[]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly args?: { readonly op_name?: string; readonly provider?: string };
}

const suffix = '_kernel_time';

function placements(events: readonly ProfileEvent[]): NodePlacement[] {
  return events.flatMap(({ cat, name, args }) =>
    cat === 'Node' && name.endsWith(suffix) && args?.provider
      ? [{ node: name.slice(0, -suffix.length), op: args.op_name ?? '', provider: args.provider }]
      : [],
  );
}
