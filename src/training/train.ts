/** Training from labelled texts to a model: split, vocabulary, encoding, fit, checkpoints. */
import type { EpochRecord } from '../../models/checkpoint/state.ts';
import { initialWeights } from '../../models/initialisers.ts';
import type { TrainedModel } from '../../models/model.ts';
import type { ModelPlan } from '../../models/plan.ts';
import { createEncoder } from '../../models/text/encoder.ts';
import { fail } from '../core/errors.ts';
import { type Progress, silent } from '../core/progress.ts';
import { type Dataset, datasetFingerprint } from '../data/dataset.ts';
import { type LengthStatistics, lengthStatistics } from '../data/length-statistics.ts';
import { partOf } from '../data/part.ts';
import { type Split, splitDataset } from '../data/split.ts';
import { checkBucket } from './check-options.ts';
import { beginChoice } from './choose-engine.ts';
import { describeModel, type SpecSource, vocabularySizeOf } from './describe-model.ts';
import { encodeExamples } from './encoded-set.ts';
import type { EngineName, EngineState } from './engine.ts';
import type { SelectedEngine } from './engines/select.ts';
import { type FitState, fitModel } from './fit.ts';
import type { MemoryPlan } from './memory.ts';
import { type RunOptions, type RunOptionsInput, resolveOptions } from './options.ts';
import { recipeOptions } from './recipe.ts';
import { resolveStepOptions } from './resolve-step-options.ts';
import { beginning, checkGoesOn, expectSame, runStateOf } from './resume.ts';
import { openRunFolder, type RunFiles, type RunFolder } from './run-folder.ts';

/** What `train` takes: a spec, labelled texts, and options of the run. */
export interface TrainOptions extends RunOptionsInput {
  /** The model: a parsed spec, or a function that makes one when the sizes of vocabulary and classes are known. */
  readonly spec: SpecSource;
  /** Labelled texts, such as those of `loadDataset`. */
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
  /** Told how far each epoch is. */
  readonly progress?: Progress | undefined;
  /** Ends training after the step at hand; what was saved after the last whole epoch stays. */
  readonly signal?: AbortSignal | undefined;
}

/** What is known before the first step. */
export interface TrainingStart {
  /** What the model is. */
  readonly plan: ModelPlan;
  /** Every option, as the run takes it. */
  readonly options: RunOptions;
  /** Which examples are trained on, watched and held out. */
  readonly split: Split;
  /** By falling count. */
  readonly vocabulary: readonly string[];
  /** Of the texts that are trained on. */
  readonly lengths: LengthStatistics;
  /** What trains, and why. */
  readonly engine: {
    readonly name: EngineName;
    readonly threads: number;
    readonly note: string;
    /** With `engine: 'fastest'`: what each engine took, and why others were not tried. */
    readonly trials?: SelectedEngine['trials'];
  };
  /** What the run will hold at most, beside the texts and the program. */
  readonly memory: MemoryPlan;
  /** Epochs done by an earlier call. */
  readonly resumedFrom: number;
  /** Of those epochs. */
  readonly history: readonly EpochRecord[];
}

/** What a run came to. */
export interface TrainingResult extends TrainingStart {
  /** With the weights of the best epoch, or of the last with `keep: 'last'`. */
  readonly model: TrainedModel;
  /** Of all epochs. */
  readonly history: readonly EpochRecord[];
  /** Whose weights the model has, from 1. */
  readonly bestEpoch: number;
  /** Whether patience ended it before the last epoch. */
  readonly stoppedEarly: boolean;
  /** Whether `signal` ended it. */
  readonly interrupted: boolean;
  /** Where the run is kept, if it has a folder. */
  readonly files: RunFiles | undefined;
}

/**
 * Trains a classifier on labelled texts: divides them, fits the vocabulary, trains until early stopping or `epochs` ends
 * it, and gives the model of the best epoch. With `out`, every epoch is saved.
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
  const trainingExamples = partOf(data, split.train).examples;
  const texts = trainingExamples.map(({ text }) => text);
  const described = describeModel(given.spec, data, options, texts);
  const { plan, vocabulary, preprocessing } = described;
  if (previous) checkGoesOn(previous, described, options);
  checkBucket(plan, options);
  const targets = trainingExamples.map(({ label }) => label);
  const stepOptions = resolveStepOptions(options, plan, { targets, labels: data.labels });
  const choice = await beginChoice(plan, options, stepOptions, split);

  const encoder = createEncoder({ preprocessing, vocabulary, vocabularySize: plan.vocabularySize });
  const training = encodeExamples(encoder, trainingExamples, data.recipe);
  const validation =
    split.validation.length > 0
      ? encodeExamples(encoder, partOf(data, split.validation).examples, data.recipe)
      : undefined;
  const weights = previous?.run?.weights ?? initialWeights(plan, options.seed);
  const { provider, note, trials, load, memory } = await choice.take({ weights, training });
  const { threads } = load;
  const engine = await provider.prepare({
    spec: plan.spec,
    weights,
    optimiser: options.optimiser,
    threads,
    stepOptions,
  });
  const start = beginning(weights, previous);
  const facts: TrainingStart = {
    plan,
    options,
    split,
    vocabulary,
    lengths: lengthStatistics(training.lengths, options.maxLength),
    engine: {
      name: engine.name,
      threads,
      note: engine.remark === undefined ? note : `${note}; ${engine.remark}`,
      ...(trials && { trials }),
    },
    memory,
    resumedFrom: start.history.length,
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

  async function save(state: FitState, end: EngineState): Promise<void> {
    const run = runStateOf({ ...options, engine: engine.name, threads }, state, end);
    await folder?.save({ model: modelOf(state), run }, state.history, state.bestEpoch === run.epoch);
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
      stepOptions,
      training,
      validation,
      start,
      progress: given.progress ?? silent,
      signal,
      onEpoch: async (after, { engine: end, seconds }) => {
        await save(after, end);
        const record = after.history.at(-1);
        if (record) given.onEpoch?.(record, { seconds, best: after.bestEpoch === record.epoch });
      },
    });
    if (interrupted && state.history.length === 0) {
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
