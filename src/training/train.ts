/** Training from labelled texts to a model: split, vocabulary, encoding, fit, checkpoints. */
import { isDeepStrictEqual } from 'node:util';
import type { Checkpoint } from '../../models/checkpoint/checkpoint.ts';
import type { EpochRecord } from '../../models/checkpoint/state.ts';
import { initialWeights } from '../../models/initialisers.ts';
import type { ModelSpec, SpecInput } from '../../models/layers.ts';
import type { TrainedModel } from '../../models/model.ts';
import { type ModelPlan, planModel } from '../../models/plan.ts';
import { parseSpec } from '../../models/spec.ts';
import { createEncoder } from '../../models/text/encoder.ts';
import { kerasTokenizer, type Preprocessing } from '../../models/text/preprocessing.ts';
import type { Weights } from '../../models/weights.ts';
import { fail } from '../core/errors.ts';
import { type Progress, silent } from '../core/progress.ts';
import { type Dataset, datasetFingerprint } from '../data/dataset.ts';
import { type LengthStatistics, lengthStatistics } from '../data/length-statistics.ts';
import { type Split, splitDataset } from '../data/split.ts';
import { batches } from './batches.ts';
import { encodeExamples } from './encoded-set.ts';
import type { EngineName } from './engine.ts';
import { selectFastest } from './engines/fastest.ts';
import { type Candidate, selectEngine } from './engines/select.ts';
import { type FitState, fitModel } from './fit.ts';
import {
  checkMemory,
  checkpointMemory,
  encodedMemory,
  type MemoryPlan,
  memoryRoom,
  memoryShortage,
  planMemory,
} from './memory.ts';
import { type RunOptions, type RunOptionsInput, resolveOptions } from './options.ts';
import { recipeOptions, vocabularyOf } from './recipe.ts';
import { openRunFolder, type RunFiles, type RunFolder } from './run-folder.ts';

/** A spec, or how to make one when the sizes are known. */
export type SpecSource = ModelSpec | ((sizes: { vocabularySize: number; classes: number }) => SpecInput);

export interface TrainOptions extends RunOptionsInput {
  readonly spec: SpecSource;
  readonly data: Dataset;
  /** What the model prefers for options that are left out, e.g. its length of texts. */
  readonly defaults?: RunOptionsInput | undefined;
  /** Folder for checkpoints and history; left out: nothing is written. */
  readonly out?: string | undefined;
  /** Goes on with the run in `out` from its last epoch, bit for bit. */
  readonly resume?: boolean | undefined;
  /** Replaces a run that `out` already holds. */
  readonly overwrite?: boolean | undefined;
  /** Called once, before the first step. */
  readonly onStart?: ((start: TrainingStart) => void) | undefined;
  /** Called after each epoch. */
  readonly onEpoch?: ((record: EpochRecord, more: { seconds: number; best: boolean }) => void) | undefined;
  readonly progress?: Progress | undefined;
  /** Ends training after the step at hand; what was saved after the last whole epoch stays. */
  readonly signal?: AbortSignal | undefined;
}

/** What is known before the first step. */
export interface TrainingStart {
  readonly plan: ModelPlan;
  readonly options: RunOptions;
  readonly split: Split;
  readonly vocabulary: readonly string[];
  /** Of the texts that are trained on. */
  readonly lengths: LengthStatistics;
  readonly engine: { readonly name: EngineName; readonly threads: number; readonly note: string };
  /** What the run will hold at most, beside the texts and the program. */
  readonly memory: MemoryPlan;
  /** Epochs done by an earlier call. */
  readonly resumedFrom: number;
  /** Of those epochs. */
  readonly history: readonly EpochRecord[];
}

export interface TrainingResult extends TrainingStart {
  /** With the best weights. */
  readonly model: TrainedModel;
  /** Of all epochs. */
  readonly history: readonly EpochRecord[];
  readonly bestEpoch: number;
  readonly stoppedEarly: boolean;
  readonly interrupted: boolean;
  readonly files: RunFiles | undefined;
}

/**
 * Trains a classifier.
 *
 * @throws OPTION_INVALID, OPTION_UNSUPPORTED, SPEC_INVALID, DATA_LABELS, RUN_EXISTS, RUN_LOCKED, RESUME_MISMATCH,
 *   MEMORY_TOO_SMALL, LOSS_NOT_FINITE, FILE_ACCESS; INTERRUPTED when `signal` aborts before the first epoch is done
 */
export async function train(options: TrainOptions): Promise<TrainingResult> {
  const { spec, data, defaults = {}, out, resume, overwrite, onStart, onEpoch, progress, signal, ...rest } = options;
  const given = typeof spec === 'function' ? rest : { ...rest, vocabularySize: vocabularySizeOf(spec, rest) };
  const preferred = { ...defaults, ...recipeOptions(data) };
  if (out === undefined) {
    if (resume) fail('OPTION_INVALID', 'resume needs the folder of a run', 'Give out.');
    return run(options, resolveOptions(given, preferred), undefined);
  }
  const folder = await openRunFolder(out, resume ? 'resume' : overwrite ? 'overwrite' : 'new');
  try {
    return await run(options, resolveOptions(given, preferred, folder.previous?.run?.options), folder);
  } finally {
    await folder.close();
  }
}

async function run(given: TrainOptions, options: RunOptions, folder: RunFolder | undefined): Promise<TrainingResult> {
  const { data, signal } = given;
  const previous = folder?.previous;
  const fingerprint = datasetFingerprint(data);
  if (previous) expectSame('data', previous.model.training?.fingerprint, fingerprint);

  const split = splitDataset(data, { ...options, seed: options.splitSeed });
  const pick = (part: Int32Array) => Array.from(part, (index) => data.examples[index] as Dataset['examples'][number]);
  const trainingExamples = pick(split.train);
  const { plan, vocabulary, preprocessing } = describeModel(
    given.spec,
    data,
    options,
    trainingExamples.map(({ text }) => text),
  );
  if (previous) {
    expectSame('spec', previous.model.spec, plan.spec);
    expectSame('vocabulary', previous.model.vocabulary, vocabulary);
  }
  if (options.bucket && !plan.maskZero) {
    fail(
      'OPTION_UNSUPPORTED',
      `bucket takes padding away, but ${plan.spec.name} does not mask it: it is part of what the model reads`,
      'Leave bucket out, or set maskZero on the embedding.',
    );
  }
  const rows = Math.min(options.batchSize, split.train.length);
  const load = { spec: plan.spec, optimiser: options.optimiser, rows, time: options.maxLength };
  const encodedRows = split.train.length + split.validation.length;
  const others = [encodedMemory(encodedRows, options.maxLength), checkpointMemory(load)];
  const room = memoryRoom();
  const request = { load, threads: options.threads };
  const memoryOf = (candidate: Candidate) => planMemory([...others, ...candidate.provider.memory(candidate.load)]);
  const chosen = options.engine === 'fastest' ? undefined : await selectEngine(options.engine, request);
  checkMemory(chosen ? memoryOf(chosen) : planMemory(others), room);

  const encoder = createEncoder({ preprocessing, vocabulary, vocabularySize: plan.vocabularySize });
  const training = encodeExamples(encoder, trainingExamples, data.recipe);
  const validation = split.validation.length ? encodeExamples(encoder, pick(split.validation), data.recipe) : undefined;
  const weights = previous?.run?.weights ?? initialWeights(plan, options.seed);
  const selected =
    chosen ??
    (await selectFastest(request, {
      ...options,
      weights,
      batches: () => batches(training, options.batchSize),
      refusal: (candidate) => memoryShortage(memoryOf(candidate), room),
    }));
  const { provider, note } = selected;
  const { threads } = selected.load;
  const engine = await provider.prepare({ spec: plan.spec, weights, optimiser: options.optimiser, threads });
  const start: FitState = beginning(weights, previous);
  const facts: TrainingStart = {
    plan,
    options,
    split,
    vocabulary,
    lengths: lengthStatistics(training.lengths, options.maxLength),
    engine: { name: engine.name, threads, note },
    memory: memoryOf(selected),
    resumedFrom: start.epoch,
    history: start.history,
  };

  const modelOf = ({ bestWeights, bestEpoch }: FitState): TrainedModel => ({
    spec: plan.spec,
    weights: bestWeights,
    preprocessing,
    vocabulary,
    labels: data.labels,
    training: {
      source: data.source,
      fingerprint,
      splitSeed: options.splitSeed,
      testSplit: options.testSplit,
      validationSplit: options.validationSplit,
      engine: engine.name,
      threads,
      seed: options.seed,
      bestEpoch,
    },
  });

  async function save(state: FitState): Promise<void> {
    const { weights: current, optimiser } = await engine.state();
    const { history, epoch, bestEpoch, bestLoss, wait } = state;
    const { tokenizer, threads: _, ...rest } = options;
    const saved = { ...rest, ...(tokenizer && { tokenizer }), engine: engine.name, threads };
    const checkpoint: Checkpoint = {
      model: modelOf(state),
      run: {
        options: saved,
        epoch,
        optimiserStep: optimiser.step,
        bestEpoch,
        bestLoss,
        wait,
        history: [...history],
        weights: current,
        moments: optimiser.moments,
      },
    };
    await folder?.save(checkpoint, history, bestEpoch === epoch);
  }

  try {
    if (previous?.run) {
      const { optimiserStep: step, moments } = previous.run;
      await engine.restore({ weights, optimiser: { step, moments } });
    }
    given.onStart?.(facts);
    const { state, stoppedEarly, interrupted } = await fitModel({
      ...options,
      masked: plan.maskZero ? { padding: options.padding, bucket: options.bucket } : undefined,
      engine,
      training,
      validation,
      start,
      progress: given.progress ?? silent,
      signal,
      onEpoch: async (after, seconds) => {
        await save(after);
        const record = after.history.at(-1);
        if (record) given.onEpoch?.(record, { seconds, best: after.bestEpoch === after.epoch });
      },
    });
    if (interrupted && state.epoch === 0) {
      fail('INTERRUPTED', 'training was stopped before its first epoch was done', 'Nothing was saved. Start it again.');
    }
    return {
      ...facts,
      model: modelOf(state),
      history: state.history,
      bestEpoch: state.bestEpoch,
      stoppedEarly,
      interrupted,
      files: folder?.files,
    };
  } finally {
    await engine.dispose();
  }
}

/** A finished spec says its vocabulary size itself. */
function vocabularySizeOf(spec: ModelSpec, { vocabularySize: asked }: RunOptionsInput): number {
  const { vocabularySize } = planModel(spec);
  if (asked !== undefined && asked !== vocabularySize) {
    fail(
      'OPTION_UNSUPPORTED',
      `vocabularySize ${asked} was asked for, but the spec ${spec.name} has ${vocabularySize}`,
      'Change the first layer of the spec, or leave the option out.',
    );
  }
  return vocabularySize;
}

/** Spec, vocabulary and preprocessing for these texts. */
function describeModel(
  source: SpecSource,
  data: Dataset,
  options: RunOptions,
  texts: readonly string[],
): { plan: ModelPlan; vocabulary: readonly string[]; preprocessing: Preprocessing } {
  const tokenizer = options.tokenizer ?? kerasTokenizer;
  const limitOf = (size: number) => Math.max(size - tokenizer.firstWordId, 0);
  const classes = data.labels.length;

  let plan: ModelPlan;
  let vocabulary: readonly string[];
  if (typeof source === 'function') {
    vocabulary = vocabularyOf(data, texts, tokenizer, limitOf(options.vocabularySize));
    const vocabularySize = Math.max(tokenizer.firstWordId + vocabulary.length, tokenizer.firstWordId + 1);
    plan = planModel(parseSpec(source({ vocabularySize, classes })));
  } else {
    plan = planModel(source);
    vocabulary = vocabularyOf(data, texts, tokenizer, limitOf(plan.vocabularySize));
  }
  if (plan.head.classes !== classes) {
    fail(
      'DATA_LABELS',
      `the data have ${classes} classes (${data.labels.join(', ')}), the last layer of ${plan.spec.name} is for ${plan.head.classes}`,
      'Change the units of the last dense layer, or the data.',
    );
  }
  const { maxLength, padding, truncating } = options;
  return { plan, vocabulary, preprocessing: { tokenizer, maxLength, padding, truncating } };
}

function beginning(weights: Weights, previous: Checkpoint | undefined): FitState {
  if (!previous?.run) {
    return { epoch: 0, bestEpoch: 0, bestLoss: null, bestWeights: weights, wait: 0, history: [] };
  }
  const { epoch, bestEpoch, bestLoss, wait, history } = previous.run;
  return { epoch, bestEpoch, bestLoss, wait, history, bestWeights: previous.model.weights };
}

/** @throws RESUME_MISMATCH */
function expectSame(what: string, before: unknown, now: unknown): void {
  if (isDeepStrictEqual(before, now)) return;
  fail(
    'RESUME_MISMATCH',
    `the ${what} differs from that of the run`,
    `Resume with the same ${what}, or start a new run.`,
  );
}
