/**
 * The oracle: forward pass, loss and gradient of a model in float64, written from the equations. It shares no code
 * with training or exporters, and is meant to be read: `operations.ts`, `cells.ts`, `layers.ts`, `loss.ts`, this.
 */
import type { LayerOf, ModelSpec } from '../../models/layers.ts';
import { type ModelPlan, planModel } from '../../models/plan.ts';
import { checkWeights } from '../../models/weights.ts';
import { fail } from '../core/errors.ts';
import { elementwise } from './elementwise.ts';
import { type DropoutMasks, forwardLayer, type Signal } from './layers.ts';
import { crossEntropy } from './loss.ts';
import {
  forget,
  gradientOf,
  inFull,
  type Matrix,
  matrix,
  type Operations,
  operations,
  type Recorder,
} from './operations.ts';

export type { DropoutMasks } from './layers.ts';

/** As `Weights`, in float32 or float64: finite differences need the latter. */
export type ReferenceWeights = ReadonlyMap<
  string,
  { readonly shape: readonly number[]; readonly data: Float32Array | Float64Array }
>;

export interface ReferenceModel {
  readonly spec: ModelSpec;
  readonly weights: ReferenceWeights;
}

export interface ReferenceInput {
  readonly rows: number;
  readonly time: number;
  /** Token ids, [rows, time]. */
  readonly ids: Int32Array;
  /** States before the first step: `<layer>/h`, and `<layer>/c` of an LSTM, [rows, units]. Default: zeros. */
  readonly initialStates?: ReadonlyMap<string, ArrayLike<number>> | undefined;
}

export interface ReferenceBatch extends ReferenceInput {
  /** Class of each row, [rows]. */
  readonly targets: Int32Array;
}

export interface ReferenceOutputs {
  /** [rows, outputs] */
  readonly logits: Float64Array;
  /** [rows, outputs]: sigmoid or softmax of the logits. */
  readonly probabilities: Float64Array;
}

/**
 * Forward pass without dropout.
 * @throws INPUT_INVALID, WEIGHTS_INVALID
 */
export function referenceForward(
  model: ReferenceModel,
  ids: Int32Array,
  rows: number,
  time: number,
  initialStates?: ReferenceInput['initialStates'],
): ReferenceOutputs {
  const plan = planModel(model.spec);
  checkInput(plan, { ids, rows, time, initialStates });
  const { outputs } = plan.head;
  const parameters = parametersOf(model, plan);
  const { map, softmax } = operations(forget);
  const result = { logits: new Float64Array(rows * outputs), probabilities: new Float64Array(rows * outputs) };
  for (let from = 0; from < rows; from += rowsAtOnce) {
    const to = Math.min(from + rowsAtOnce, rows);
    const part = {
      ids: ids.subarray(from * time, to * time),
      rows: to - from,
      time,
      initialStates: new Map(
        [...(initialStates ?? [])].map(([name, values]) => {
          const units = values.length / rows;
          return [name, Array.from(values).slice(from * units, to * units)];
        }),
      ),
    };
    const logits = walk(plan, parameters, part, operations(forget)).at(-1)?.[0] as Matrix;
    const probabilities = outputs === 1 ? map(logits, elementwise.sigmoid) : softmax(logits);
    result.logits.set(logits.values, from * outputs);
    result.probabilities.set(probabilities.values, from * outputs);
  }
  return result;
}

/**
 * What each layer gives, by its name: [rows, time, features] or [rows, features]; of the last layer, the logits. With
 * `masks` as in a training step, else without dropout.
 * @throws INPUT_INVALID, WEIGHTS_INVALID
 */
export function referenceLayerOutputs(
  model: ReferenceModel,
  input: ReferenceInput,
  masks?: DropoutMasks,
): Map<string, Float64Array> {
  const plan = planModel(model.spec);
  checkInput(plan, input);
  const signals = walk(plan, parametersOf(model, plan), input, operations(forget), masks);
  return new Map(signals.map((signal, index) => [plan.layers[index]?.layer.name as string, joinSteps(signal)]));
}

/**
 * Mean cross-entropy of the rows; with `masks`, that of a training step, else that of an evaluation.
 * @throws INPUT_INVALID, WEIGHTS_INVALID
 */
export function referenceLoss(model: ReferenceModel, batch: ReferenceBatch, masks?: DropoutMasks): number {
  return lossOf(model, batch, masks, forget).loss.values[0] as number;
}

export interface ReferenceGradients {
  readonly loss: number;
  /** By name of weight, in the order of the layers and of the shape of the weight. */
  readonly gradients: Map<string, Float64Array>;
}

/**
 * The loss as `referenceLoss` gives it, and its gradient.
 * @throws INPUT_INVALID, WEIGHTS_INVALID
 */
export function referenceGradients(
  model: ReferenceModel,
  batch: ReferenceBatch,
  masks?: DropoutMasks,
): ReferenceGradients {
  const pullbacks: (() => void)[] = [];
  const { loss, parameters } = lossOf(model, batch, masks, (pullback) => pullbacks.push(pullback));
  gradientOf(loss)[0] = 1;
  for (const pullback of pullbacks.reverse()) pullback();
  const gradients = new Map([...parameters].map(([name, parameter]) => [name, gradientOf(parameter)]));
  return { loss: loss.values[0] as number, gradients };
}

function lossOf(model: ReferenceModel, batch: ReferenceBatch, masks: DropoutMasks | undefined, record: Recorder) {
  const plan = planModel(model.spec);
  checkInput(plan, batch);
  checkTargets(plan, batch);
  const tape = operations(record);
  const parameters = parametersOf(model, plan);
  const logits = walk(plan, parameters, batch, tape, masks).at(-1)?.[0] as Matrix;
  return { parameters, loss: crossEntropy(tape, plan.head, logits, batch.targets) };
}

type Parameters = ReadonlyMap<string, Matrix>;

/** Enough to make one pass over the steps worth its while, few enough to stay in the cache. */
const rowsAtOnce = 32;

/** The output of every layer. The head is left linear, so that the last one is the logits. */
function walk(
  plan: ModelPlan,
  parameters: Parameters,
  { ids, rows, time, initialStates }: ReferenceInput,
  tape: Operations,
  masks?: DropoutMasks,
): Signal[] {
  const steps = Array.from({ length: time }, (_, step) =>
    Int32Array.from({ length: rows }, (_, row) => ids[row * time + step] as number),
  );
  const present = steps.map((ofStep) => Uint8Array.from(ofStep, (id) => (id === 0 ? 0 : 1)));
  const scale = new Float64Array(rows).fill(1);
  let signal: Signal = steps.map((ofStep) => ({ rows, columns: plan.vocabularySize, ids: ofStep, scale }));
  return plan.layers.map(({ layer, masked }, index) => {
    const last = index === plan.layers.length - 1;
    signal = forwardLayer(last ? ({ ...layer, activation: 'linear' } as LayerOf<'dense'>) : layer, signal, {
      operations: tape,
      weight: (name) => parameters.get(name) as Matrix,
      present: masked ? present : undefined,
      masks,
      initial: (name) => initialStates?.get(name),
      index,
    });
    return signal;
  });
}

function parametersOf({ weights }: ReferenceModel, plan: ModelPlan): Parameters {
  checkWeights(weights, plan.parameters);
  return new Map(
    plan.parameters.map(({ name, shape }) => {
      const [rows, columns] = (shape.length === 1 ? [1, ...shape] : shape) as [number, number];
      return [name, matrix(rows, columns, Float64Array.from(weights.get(name)?.data ?? []))];
    }),
  );
}

function joinSteps(signal: Signal): Float64Array {
  const steps = signal.map(inFull);
  const [{ rows, columns }] = steps as [Matrix];
  const joined = new Float64Array(rows * steps.length * columns);
  steps.forEach(({ values }, step) => {
    for (let row = 0; row < rows; row++) {
      joined.set(values.subarray(row * columns, (row + 1) * columns), (row * steps.length + step) * columns);
    }
  });
  return joined;
}

function checkInput({ vocabularySize, states }: ModelPlan, { ids, rows, time, initialStates }: ReferenceInput): void {
  const hint = `Give ids as [rows, time], both at least 1, each id from 0 to ${vocabularySize - 1}.`;
  if (!(Number.isInteger(rows) && Number.isInteger(time) && rows > 0 && time > 0) || ids.length !== rows * time) {
    fail('INPUT_INVALID', `${ids.length} ids do not make ${rows} rows of ${time} steps`, hint);
  }
  const bad = ids.findIndex((id) => id < 0 || id >= vocabularySize);
  if (bad >= 0) fail('INPUT_INVALID', `row ${Math.floor(bad / time)}, step ${bad % time}: id ${ids[bad]}`, hint);
  for (const [name, { length }] of initialStates ?? []) {
    const state = states.find((candidate) => candidate.name === name);
    if (state && length === rows * state.units) continue;
    const known = states.map((candidate) => `${candidate.name} [${rows}, ${candidate.units}]`).join(', ');
    fail('INPUT_INVALID', `initial state ${name} has ${length} values`, `The model has ${known || 'no states'}.`);
  }
}

function checkTargets({ head }: ModelPlan, { rows, targets }: ReferenceBatch): void {
  const hint = `Give one target a row, each from 0 to ${head.classes - 1}.`;
  if (targets.length !== rows) fail('INPUT_INVALID', `${targets.length} targets for ${rows} rows`, hint);
  const bad = targets.findIndex((target) => target < 0 || target >= head.classes);
  if (bad >= 0) fail('INPUT_INVALID', `row ${bad}: target ${targets[bad]}`, hint);
}
