/**
 * A checkpoint is one safetensors file. Its tensors bear the names of the model's weights, so that any reader of
 * the format finds them; everything else of the model is JSON under the metadata key `recurrent-onnx`. A run's file
 * also holds, under `run:…` (no layer's name can begin so), what is needed to go on: the weights after the last
 * epoch and the optimiser's moments.
 */
import { fail } from '../../src/core/errors.ts';
import { readFileWhole, writeFileAtomically } from '../../src/core/files.ts';
import { descriptionOf, formatVersion, type Refuse, readDescription } from '../description.ts';
import type { TrainedModel } from '../model.ts';
import { type ParameterSpec, planModel } from '../plan.ts';
import { checkWeights, type Tensor, type Weights } from '../weights.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';
import { type RunState, runStateSchema } from './state.ts';

/** A trained model and, of a run, what it needs to go on. */
export interface Checkpoint {
  /** With the best weights so far. */
  readonly model: TrainedModel;
  /** Absent in a file that holds a model only. */
  readonly run?: RunState;
}

const metadataKey = 'recurrent-onnx';

/** The same checkpoint gives the same bytes. */
export function encodeCheckpoint({ model, run }: Checkpoint): Uint8Array {
  const { weights } = model;
  const tensors = new Map<string, Tensor>(weights);
  const description = descriptionOf(model);
  if (!run) return encode(description, tensors);
  const { weights: current, moments, ...state } = run;
  for (const [name, tensor] of current) tensors.set(`run:weights/${name}`, tensor);
  for (const [kind, byName] of moments) {
    for (const [name, data] of byName) {
      tensors.set(`run:${kind}/${name}`, { shape: (weights.get(name) as Tensor).shape, data });
    }
  }
  return encode({ ...description, run: state }, tensors);
}

function encode(contents: object, tensors: ReadonlyMap<string, Tensor>): Uint8Array {
  return encodeSafetensors({
    tensors,
    metadata: { [metadataKey]: JSON.stringify({ version: formatVersion, ...contents }) },
  });
}

/**
 * @param path named in errors
 * @throws CHECKPOINT_INVALID, WEIGHTS_INVALID
 */
export function decodeCheckpoint(bytes: Uint8Array, path: string): Checkpoint {
  const { tensors, metadata } = decodeSafetensors(bytes, path);
  const json = metadata[metadataKey];
  if (json === undefined) {
    fail(
      'CHECKPOINT_INVALID',
      `${path} holds tensors, but no model of recurrent-onnx`,
      'Use a file written by training.',
    );
  }
  const refuse: Refuse = (what, cause) => refuseFile(path, what, cause);
  const { version, run: runJson, ...contents } = parseJson(json, refuse);
  const description = readDescription(version, contents, refuse);
  const { parameters } = planModel(description.spec);
  const weights = withPrefix(tensors, '');
  checkWeights(weights, parameters);
  const model: TrainedModel = { ...description, weights };
  if (runJson === undefined) return { model };
  const run = readRun(runJson, refuse);
  const current = withPrefix(tensors, 'run:weights/');
  checkWeights(current, parameters);
  return { model, run: { ...run, weights: current, moments: readMoments(tensors, parameters, refuse) } };
}

/** Writes whole or not at all. @throws FILE_ACCESS */
export async function saveCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  await writeFileAtomically(path, encodeCheckpoint(checkpoint));
}

/** Reads a `.safetensors` file. @throws FILE_NOT_FOUND, FILE_ACCESS, CHECKPOINT_INVALID, WEIGHTS_INVALID */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  return decodeCheckpoint(await readFileWhole(path), path);
}

function parseJson(json: string, refuse: Refuse): Readonly<Record<string, unknown>> {
  let contents: unknown;
  try {
    contents = JSON.parse(json);
  } catch (error) {
    return refuse('its description is no JSON', error);
  }
  if (typeof contents !== 'object' || contents === null || Array.isArray(contents)) {
    return refuse('its description is no object');
  }
  return contents as Record<string, unknown>;
}

function readRun(json: unknown, refuse: Refuse) {
  const parsed = runStateSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return refuse(`run.${issue?.path.join('.')}: ${issue?.message}`);
}

function refuseFile(path: string, what: string, cause?: unknown): never {
  const hint = 'Use another copy of the file, or a newer version of recurrent-onnx.';
  return fail('CHECKPOINT_INVALID', `${path} cannot be used: ${what}`, hint, cause);
}

/** Tensors whose names begin with `prefix`, by the rest of their names; those of the model itself have none. */
function withPrefix(tensors: ReadonlyMap<string, Tensor>, prefix: string): Weights {
  const chosen = [...tensors].filter(([name]) => (prefix ? name.startsWith(prefix) : !name.startsWith('run:')));
  return new Map(chosen.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

/** Each kind of moment is there for every weight, in its shape. They may be infinite: squares of large gradients are. */
function readMoments(
  tensors: ReadonlyMap<string, Tensor>,
  parameters: readonly ParameterSpec[],
  refuse: Refuse,
): RunState['moments'] {
  const kinds = new Set([...tensors.keys()].flatMap((name) => /^run:([^/]+)\//.exec(name)?.[1] ?? []));
  kinds.delete('weights');
  return new Map(
    [...kinds].map((kind) => {
      const ofKind = withPrefix(tensors, `run:${kind}/`);
      for (const { name, shape } of parameters) {
        if (ofKind.get(name)?.shape.join() !== shape.join()) refuse(`run:${kind}/${name} is missing or misshapen`);
      }
      if (ofKind.size > parameters.length) refuse(`run:${kind} has tensors of weights that the spec lacks`);
      return [kind, new Map([...ofKind].map(([name, { data }]) => [name, data]))];
    }),
  );
}
