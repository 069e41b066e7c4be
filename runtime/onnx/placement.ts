/**
 * Where nodes really run. onnxruntime gives a node to the CPU without a word when the chosen provider cannot run it
 * (CUDA: a recurrent node with other activations than the usual ones); only its profile of a run tells.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { fail, firstLine } from '../../src/core/errors.ts';
import type { Feeds } from './guard.ts';
import { openSession } from './session.ts';
import type { SessionOptions } from './session-options.ts';

/** Which execution provider runs a node. */
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
    const session = await openSession(model, options, { profilePrefix: join(folder, 'run') });
    try {
      await session.run(feeds);
      session.endProfiling();
    } finally {
      await session.release();
    }
    const [file] = await readdir(folder);
    if (file === undefined) return fail('RUNTIME_FAILED', 'onnxruntime wrote no profile', 'Please report this.');
    return readProfile(await readFile(join(folder, file), 'utf8'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const suffix = '_kernel_time';

/** Of the events of a profile, those that time a node; the others have other fields. */
const nodeEvent = z.object({
  cat: z.literal('Node'),
  name: z.string().endsWith(suffix),
  args: z.object({ op_name: z.string(), provider: z.string().min(1) }),
});

/**
 * The nodes of a profile that onnxruntime wrote, in the order in which they ran, each once. Its form: a JSON array of
 * events, https://onnxruntime.ai/docs/performance/tune-performance/profiling-tools.html
 *
 * @throws RUNTIME_FAILED when it is not of that form, or holds no node
 */
export function readProfile(text: string): NodePlacement[] {
  const nodes = new Map<string, NodePlacement>();
  for (const event of eventsOf(text)) {
    const { success, data } = nodeEvent.safeParse(event);
    if (!success) continue;
    const node = data.name.slice(0, -suffix.length);
    nodes.set(node, { node, op: data.args.op_name, provider: data.args.provider });
  }
  if (nodes.size === 0) refuseProfile('it names no node');
  return [...nodes.values()];
}

function eventsOf(text: string): readonly unknown[] {
  try {
    return z.array(z.unknown()).parse(JSON.parse(text));
  } catch (error) {
    return refuseProfile(firstLine(error), error);
  }
}

function refuseProfile(why: string, cause?: unknown): never {
  fail('RUNTIME_FAILED', `onnxruntime's profile cannot be read: ${why}`, 'Please report this.', cause);
}
