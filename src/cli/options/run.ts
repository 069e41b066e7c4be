/** Options of a run, for training: their ranges, choices and defaults are those of its schema. */
import { Option } from 'commander';
import { side } from '../../../models/text/preprocessing.ts';
import { engineNames } from '../../training/engine.ts';
import { plateauSchema, scheduleSchema } from '../../training/learning-rate.ts';
import { optimiserSchema } from '../../training/optimisers.ts';
import { type RunOptionsInput, runOptionsSchema } from '../../training/options.ts';
import { choice, number, settings } from './kinds.ts';
import { parseClassWeights, settingsParser, typesOf } from './settings-parser.ts';

const run = runOptionsSchema.shape;

/** A known model has preferences. */
const ofModel = "the model's, else ";

export const epochs = number('--epochs <n>', 'most passes over the training texts', run.epochs, ofModel);
export const patience = number('--patience <n>', 'epochs without a gain before the end', run.patience, ofModel);
export const minDelta = number('--min-delta <x>', 'least gain that --patience counts', run.minDelta);
export const monitor = choice(
  '--monitor <metric>',
  'what the best epoch, --patience and --reduce-on-plateau watch, on the validation part',
  run.monitor.unwrap().options,
  run.monitor,
);
export const keep = choice(
  '--keep <epoch>',
  'whose weights the run keeps as its model',
  run.keep.unwrap().options,
  run.keep,
);
export const batchSize = number('--batch-size <n>', 'texts in a training step', run.batchSize);
export const learningRate = number('--learning-rate <x>', 'step size of the optimiser', run.learningRate, ofModel);
export const schedule = settings(
  '--schedule <type[,…]>',
  `how the learning rate goes: ${typesOf(scheduleSchema).join(', ')}, e.g. cosine,over=20,warmup=1 (default: constant)`,
  scheduleSchema,
);
export const reduceOnPlateau = settings(
  '--reduce-on-plateau [settings]',
  'reduce the learning rate when epochs bring no gain, e.g. factor=0.5,patience=2',
  plateauSchema,
);
export const optimiser = settings(
  '--optimiser <type[,…]>',
  `how weights are updated: ${typesOf(optimiserSchema).join(', ')}, e.g. sgd,momentum=0.9 (default: ${ofModel}${run.optimiser.parse(undefined).type})`,
  optimiserSchema,
);
export const classWeights = new Option(
  '--class-weights <weights>',
  'balanced, or the weight of each class in the loss, e.g. ham=1,spam=3',
).argParser(parseClassWeights);
export const l2 = new Option(
  '--l2 <x>',
  'penalty on the squares of the weights: one number, or e.g. kernel=1e-4,recurrent-kernel=1e-5,embeddings=0',
).argParser(settingsParser('--l2', run.l2));
export const globalClipNorm = number(
  '--global-clip-norm <x>',
  'scale the gradients down to this length, all together',
  run.globalClipNorm,
);
export const clipValue = number('--clip-value <x>', 'cut each value of the gradients off at ± this', run.clipValue);
export const seed = number('--seed <n>', 'seed of the initial weights, shuffling and dropout', run.seed);
export const vocabularySize = number(
  '--vocabulary-size <n>',
  'most ids of the vocabulary, for padding and unknown words too',
  run.vocabularySize,
  ofModel,
);
export const maxLength = number(
  '--max-length <n>',
  'time steps: texts are padded or cut to this length',
  run.maxLength,
  ofModel,
);
export const padding = choice('--padding <side>', 'where zeros go in a short text', side.options, run.padding, ofModel);
export const truncating = choice(
  '--truncating <side>',
  'where a long text is cut',
  side.options,
  run.truncating,
  ofModel,
);
export const validationSplit = number(
  '--validation-split <x>',
  'share of the texts that early stopping watches',
  run.validationSplit,
);
export const testSplit = number('--test-split <x>', 'share of the texts that is held out to the end', run.testSplit);
export const splitSeed = number('--split-seed <n>', 'seed of the split into parts', run.splitSeed);
export const engine = choice('--engine <name>', 'what trains', ['auto', 'fastest', ...engineNames], run.engine);
export const threads = number(
  '--threads <n>',
  'threads of the engine (default: as many as make it faster)',
  run.threads,
);
export const bucket = new Option(
  '--bucket',
  'batches of texts of like length, without the padding they share; for models that mask',
);

/** What `train` can be told about a run. */
export const runOptions: readonly Option[] = [
  epochs,
  patience,
  monitor,
  minDelta,
  keep,
  batchSize,
  learningRate,
  schedule,
  reduceOnPlateau,
  optimiser,
  classWeights,
  l2,
  globalClipNorm,
  clipValue,
  seed,
  vocabularySize,
  maxLength,
  padding,
  truncating,
  validationSplit,
  testSplit,
  splitSeed,
  engine,
  threads,
  bucket,
];

export interface RunCommandOptions extends Omit<RunOptionsInput, 'reduceOnPlateau' | 'tokenizer'> {
  /** true: with no settings. */
  readonly reduceOnPlateau?: RunOptionsInput['reduceOnPlateau'] | true;
}

/** The options of a run among those of a command; those that were left out are undefined. */
export function pickRunOptions(options: RunCommandOptions): RunOptionsInput {
  const named = Object.fromEntries(
    runOptions.map((option) => {
      const name = option.attributeName() as keyof RunCommandOptions;
      return [name, options[name]];
    }),
  );
  return { ...named, ...(options.reduceOnPlateau === true && { reduceOnPlateau: {} }) };
}
