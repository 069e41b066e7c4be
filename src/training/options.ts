/**
 * The options of a run: their ranges and defaults, and what a resumed run takes from its checkpoint. An option
 * that is left out when resuming is the one that the run began with; one that differs is refused, as the rest of
 * the run would not be what it would have been.
 */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { type Side, side, type TokenizerOptions, tokenizerSchema } from '../../models/text/preprocessing.ts';
import { fail } from '../core/errors.ts';
import { type EngineName, engineNames } from './engine.ts';
import {
  constantRate,
  type PlateauInput,
  plateauSchema,
  type Schedule,
  type ScheduleInput,
  scheduleSchema,
} from './learning-rate.ts';
import { type MetricName, metricName } from './metrics.ts';
import { adam, type OptimiserInput, optimiserSchema } from './optimisers.ts';

const share = z.number().min(0).max(0.9);
const seed = z.int().min(0);
const penalty = z.number().min(0).max(1e6);

/** What a run can be told. What is left out is the model's own preference, else the default that is named here. */
export interface RunOptionsInput {
  /** Most passes over the training part; early stopping may end before. Default: 20. */
  readonly epochs?: number | undefined;
  /** Epochs without a gain after which training stops. Default: 3. */
  readonly patience?: number | undefined;
  /** Rows of a step. Default: 64. */
  readonly batchSize?: number | undefined;
  /** What early stopping, the best epoch and `reduceOnPlateau` watch: of the validation part, or of the training part where there is none. Default: `loss`. */
  readonly monitor?: MetricName | undefined;
  /** Least gain that patience counts; any gain makes a new best epoch. Default: 0. */
  readonly minDelta?: number | undefined;
  /** Which epoch's weights the run gives: those of the best, or of the last. Default: `best`. */
  readonly keep?: 'best' | 'last' | undefined;
  /** Step size of the optimiser. Default: 0.001. */
  readonly learningRate?: number | undefined;
  /** How the learning rate goes from step to step. Default: it stays. */
  readonly schedule?: ScheduleInput | undefined;
  /** Reduces the learning rate when epochs bring no gain; not together with a schedule. */
  readonly reduceOnPlateau?: PlateauInput | undefined;
  /** How weights are updated. Default: `{ type: 'adam' }`, as in Keras. */
  readonly optimiser?: OptimiserInput | undefined;
  /** By what the loss and the gradient of a class's texts are multiplied, by label (1 where left out); `balanced`: the rarer, the more. */
  readonly classWeights?: 'balanced' | Record<string, number> | undefined;
  /** λ of a penalty λ Σ w² that the loss gains; one number: on kernels, recurrent kernels and embeddings alike. */
  readonly l2?:
    | number
    | { kernel?: number | undefined; recurrentKernel?: number | undefined; embeddings?: number | undefined }
    | undefined;
  /** All gradients together are scaled down to this length, if they are longer. */
  readonly globalClipNorm?: number | undefined;
  /** Each value of a gradient is cut off at ± this. Not together with `globalClipNorm`. */
  readonly clipValue?: number | undefined;
  /** Of initial weights, shuffling and dropout. Default: 0. */
  readonly seed?: number | undefined;
  /** Of the split into training, validation and test part. Default: 0. */
  readonly splitSeed?: number | undefined;
  /** Share of all examples that training never sees. Default: 0.2. */
  readonly testSplit?: number | undefined;
  /** Share of all examples that early stopping watches. Default: 0.1. */
  readonly validationSplit?: number | undefined;
  /** `auto`, the default: the one that is expected to be the fastest; `fastest`: the one that proves to be. The run keeps what they took. */
  readonly engine?: 'auto' | 'fastest' | EngineName | undefined;
  /** Default: as many as the engine can use of the cores there are; fewer where `auto` or `fastest` finds that faster. */
  readonly threads?: number | undefined;
  /** Most ids of the vocabulary, those for padding and unknown words included. Default: 10,000. */
  readonly vocabularySize?: number | undefined;
  /** How texts become words. Default: `defaultTokenizer` of `recurrent-onnx/models`. */
  readonly tokenizer?: TokenizerOptions | undefined;
  /** Time steps: texts are padded or truncated to this length. Default: 200. */
  readonly maxLength?: number | undefined;
  /** Where zeros go in a short text. Default: `pre`. */
  readonly padding?: Side | undefined;
  /** Where a long text is cut. Default: `post`. */
  readonly truncating?: Side | undefined;
  /** Trains on batches of texts of like length, without the padding that they have in common. Only for models that mask. Default: false. */
  readonly bucket?: boolean | undefined;
}

/** Ranges and defaults; `RunOptionsInput` says what each option means, and a test holds the two against each other. */
export const runOptionsSchema = z.strictObject({
  epochs: z.int().min(1).max(1_000_000).default(20),
  patience: z.int().min(1).max(1_000_000).default(3),
  batchSize: z.int().min(1).max(1_000_000).default(64),
  monitor: metricName.default('loss'),
  minDelta: z.number().min(0).max(1e6).default(0),
  keep: z.enum(['best', 'last']).default('best'),
  learningRate: z.number().gt(0).max(1e6).default(1e-3),
  schedule: scheduleSchema.default(constantRate),
  reduceOnPlateau: plateauSchema.optional(),
  optimiser: optimiserSchema.default(adam),
  classWeights: z.union([z.literal('balanced'), z.record(z.string(), z.number().min(0).max(1e6))]).optional(),
  l2: z
    .union([
      penalty,
      z.strictObject({
        kernel: penalty.default(0),
        recurrentKernel: penalty.default(0),
        embeddings: penalty.default(0),
      }),
    ])
    .optional(),
  globalClipNorm: z.number().gt(0).max(1e9).optional(),
  clipValue: z.number().gt(0).max(1e9).optional(),
  seed: seed.default(0),
  splitSeed: seed.default(0),
  testSplit: share.default(0.2),
  validationSplit: share.default(0.1),
  engine: z.enum(['auto', 'fastest', ...engineNames]).default('auto'),
  threads: z.int().min(1).max(1024).optional(),
  vocabularySize: z
    .int()
    .min(3)
    .max(2 ** 31 - 1)
    .default(10_000),
  tokenizer: tokenizerSchema.optional(),
  maxLength: z.int().min(1).max(1_000_000).default(200),
  padding: side.default('pre'),
  truncating: side.default('post'),
  bucket: z.boolean().default(false),
});

/** The options of a run with every default filled in. */
export type RunOptions = Readonly<z.output<typeof runOptionsSchema>>;

/** These may change when a run goes on. */
const free: ReadonlySet<string> = new Set(['epochs', 'patience', 'minDelta']);

/**
 * @param given what the caller asked for
 * @param defaults what the model prefers where the caller says nothing
 * @param saved the options of the run that is resumed
 * @throws OPTION_INVALID, OPTION_UNKNOWN, RESUME_MISMATCH
 */
export function resolveOptions(
  given: RunOptionsInput,
  defaults: RunOptionsInput,
  saved?: Readonly<Record<string, unknown>>,
): RunOptions {
  const asked = Object.fromEntries(
    Object.entries(given).filter(
      ([key, value]) => value !== undefined && !(saved && key === 'engine' && leavesOpen(value)),
    ),
  );
  const begun = saved && parse(saved);
  const parsed = parse({ ...defaults, ...saved, ...asked });
  const resolved = { ...parsed, schedule: withLength(parsed.schedule, begun?.epochs ?? parsed.epochs) };
  checkTogether(resolved);
  if (!begun) return resolved;
  for (const key of Object.keys(asked)) {
    const now = resolved[key as keyof RunOptions];
    const before = begun[key as keyof RunOptions];
    if (free.has(key) || isDeepStrictEqual(now, before)) continue;
    fail(
      'RESUME_MISMATCH',
      `${key} is ${JSON.stringify(now)}, but the run began with ${JSON.stringify(before)}`,
      `Leave ${key} out, or start a new run.`,
    );
  }
  return resolved;
}

/** A decay without a length of its own takes as long as the run may. */
function withLength(schedule: Schedule, epochs: number): Schedule {
  return schedule.type === 'cosine' || schedule.type === 'linear'
    ? scheduleSchema.parse({ ...schedule, over: schedule.over ?? epochs })
    : schedule;
}

/** @throws OPTION_UNSUPPORTED */
function checkTogether({ schedule, reduceOnPlateau, globalClipNorm, clipValue }: RunOptions): void {
  if (globalClipNorm !== undefined && clipValue !== undefined) {
    fail('OPTION_UNSUPPORTED', 'globalClipNorm and clipValue both clip the gradient', 'Leave one of the two out.');
  }
  if (!reduceOnPlateau || (schedule.type === 'constant' && schedule.warmup === 0)) return;
  fail(
    'OPTION_UNSUPPORTED',
    'reduceOnPlateau sets the learning rate, and so does the schedule',
    'Leave one of the two out.',
  );
}

/** `auto` and `fastest` took an engine when the run began; it goes on with that one. */
function leavesOpen(engine: unknown): boolean {
  return engine === 'auto' || engine === 'fastest';
}

function parse(options: unknown): RunOptions {
  const result = runOptionsSchema.safeParse(options);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue?.code === 'unrecognized_keys') {
    fail(
      'OPTION_UNKNOWN',
      `unknown option ${issue.keys.join(', ')}`,
      `Options are ${Object.keys(runOptionsSchema.shape).join(', ')}.`,
    );
  }
  return fail('OPTION_INVALID', `${issue?.path.join('.')}: ${issue?.message}`, 'See docs/cli.md for the ranges.');
}
