/** Runs every runner over the same rows and compares each with each. */
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ModelPlan, planModel } from '../../models/plan.ts';
import { fail } from '../core/errors.ts';
import { type Progress, silent } from '../core/progress.ts';
import { createRandom, permutation } from '../core/random.ts';
import { checkSubject } from './check-subject.ts';
import { type Comparison, compareOutputs } from './compare.ts';
import type { PairReport, ParityReport, RanRunner, SkippedRunner } from './report.ts';
import { fileRunners, type Outputs, type Runner, type RunnerName, type Subject } from './runner.ts';
import { runners as allRunners } from './runners.ts';
import { measureSensitivity, type Sensitivity } from './sensitivity.ts';
import { toleranceBetween, tolerances } from './tolerances.ts';

/** What is compared, on which rows. */
export interface ParityOptions {
  /** The model and its exported file. */
  readonly subject: Subject;
  /** Token ids, [rows, time]. */
  readonly ids: Int32Array;
  /** Texts. */
  readonly rows: number;
  /** Ids of each. */
  readonly time: number;
  /** Default: all. The reference must be among them. */
  readonly runners?: readonly Runner[] | undefined;
  /** A slow runner sees only so many rows, drawn at random but always the same; a smaller sample is part of a larger. */
  readonly samples?: Readonly<Partial<Record<RunnerName, number>>> | undefined;
  /** Rows a call. Default: 128. */
  readonly batchSize?: number | undefined;
  /** Told how far it is. */
  readonly progress?: Progress | undefined;
  /** Ends it with INTERRUPTED. */
  readonly signal?: AbortSignal | undefined;
}

/** A runner's outputs for the first `examples` rows of the order. */
interface Computed extends Outputs {
  readonly name: RunnerName;
  readonly description: string;
  readonly examples: number;
  readonly seconds: number;
}

/**
 * Compares all runners that can run here, pair by pair; one that cannot is listed with its reason. A difference is
 * reported, not thrown: see `assertParity`.
 *
 * @throws OPTION_INVALID, INPUT_INVALID; PARITY_FAILED when the file is not of the model; ONNX_INVALID,
 *   METADATA_INVALID; INTERRUPTED by `signal`; ENGINE_MISSING when only one runner can run
 */
export async function runParity(options: ParityOptions): Promise<ParityReport> {
  const { subject, rows } = options;
  const runners = referenceFirst(options.runners ?? Object.values(allRunners));
  checkOptions(options, runners);
  checkSubject(subject);
  const plan = planModel(subject.model.spec);
  const order = permutation(rows, createRandom({ seed: 0, purpose: 'split' }));

  const computed: Computed[] = [];
  const skipped: SkippedRunner[] = [];
  for (const runner of runners) {
    const reason = await runner.refusal(subject);
    if (reason === undefined) computed.push(await compute(runner, options, plan, order));
    else skipped.push({ name: runner.name, skipped: reason });
  }
  if (computed[0]?.name !== 'reference' || computed.length < 2) {
    const reasons = skipped.map(({ name, skipped: reason }) => `${name}: ${reason}`).join('; ');
    fail('ENGINE_MISSING', `there is nothing to compare (${reasons})`, 'Give the reference and another runner.');
  }
  let compared = compareAll(computed, plan);
  let sensitivities: Sensitivities = new Map();
  for (const { most, draws } of closerLooks) {
    const suspects = [...new Set(compared.flatMap(({ found }) => [...found.overTolerance, ...found.flips]))];
    if (suspects.length === 0) break;
    const measured = await sensitivitiesOf(suspects.slice(0, most), draws, options, order);
    sensitivities = new Map([...sensitivities, ...measured]);
    compared = compareAll(computed, plan, sensitivities);
  }
  const onnxSha256 = computed.some(({ name }) => fileRunners.includes(name))
    ? createHash('sha256').update(subject.onnx).digest('hex')
    : null;
  return { ...report(computed, skipped, compared, order, sensitivities), onnxSha256 };
}

function referenceFirst(runners: readonly Runner[]): Runner[] {
  return [...runners].sort((a, b) => Number(b.name === 'reference') - Number(a.name === 'reference'));
}

function checkOptions(
  { ids, rows, time, samples = {}, batchSize = 128 }: ParityOptions,
  runners: readonly Runner[],
): void {
  if (!(rows >= 1 && time >= 1) || ids.length !== rows * time) {
    fail('INPUT_INVALID', `${ids.length} ids do not make ${rows} rows of ${time} steps`, 'Give ids as [rows, time].');
  }
  const names = runners.map(({ name }) => name);
  if (!names.includes('reference')) {
    fail('OPTION_INVALID', 'the reference is not among the runners', 'It is the norm: add it.');
  }
  if (new Set(names).size < names.length) fail('OPTION_INVALID', 'a runner is listed twice', 'Name each once.');
  for (const [name, value] of Object.entries({ batchSize, ...samples })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      fail('OPTION_INVALID', `the number of rows for ${name} is ${value}`, 'Give a whole number above 0.');
    }
  }
}

async function compute(
  runner: Runner,
  { subject, ids, rows, time, samples, batchSize = 128, progress = silent, signal }: ParityOptions,
  { head: { outputs } }: ModelPlan,
  order: Uint32Array,
): Promise<Computed> {
  const { name } = runner;
  const examples = Math.min(rows, samples?.[name] ?? rows);
  const logits = new Float64Array(examples * outputs);
  const probabilities = new Float64Array(examples * outputs);
  const session = await runner.open(subject);
  const started = performance.now();
  progress.start(`parity: ${name}`, examples);
  try {
    for (let from = 0; from < examples; from += batchSize) {
      await nextTurn(); // lets a signal in between batches of runners that never wait
      if (signal?.aborted) fail('INTERRUPTED', `parity was stopped at ${name}, row ${from}`, 'Run it again.');
      const batch = order.subarray(from, Math.min(from + batchSize, examples));
      const given = await session.run(gatherRows(ids, time, batch), batch.length, time);
      checkSize(name, given, batch.length * outputs);
      logits.set(given.logits, from * outputs);
      probabilities.set(given.probabilities, from * outputs);
      progress.update(from + batch.length);
    }
  } finally {
    progress.stop();
    await session.dispose();
  }
  const seconds = (performance.now() - started) / 1000;
  return { name, description: session.description, examples, logits, probabilities, seconds };
}

/** Too few numbers would leave zeros behind, too many would spill into the next batch. */
function checkSize(name: RunnerName, { logits, probabilities }: Outputs, size: number): void {
  if (logits.length === size && probabilities.length === size) return;
  const given = `${logits.length} logits and ${probabilities.length} probabilities`;
  fail('RUNTIME_FAILED', `${name} gave ${given} where ${size} were due`, 'Please report this.');
}

/** The rows of `ids` [rows, time] that `chosen` names. */
function gatherRows(ids: Int32Array, time: number, chosen: Uint32Array): Int32Array {
  const gathered = new Int32Array(chosen.length * time);
  for (const [index, row] of chosen.entries()) gathered.set(ids.subarray(row * time, (row + 1) * time), index * time);
  return gathered;
}

/**
 * So many failing rows are looked at again, and again with more draws those that still fail: the largest of n draws is
 * a low estimate, which one draw more exceeds in one row of n + 1, and so would an error of the same spread. If more
 * rows fail, it is no matter of single rows.
 */
const closerLooks = [
  { most: 100, draws: 8 },
  { most: 20, draws: 64 },
  { most: 5, draws: 512 },
] as const;

/** By place in the order. */
type Sensitivities = ReadonlyMap<number, Sensitivity>;

async function sensitivitiesOf(
  places: readonly number[],
  draws: number,
  { subject, ids, time }: ParityOptions,
  order: Uint32Array,
): Promise<Sensitivities> {
  const chosen = Uint32Array.from(places, (place) => order[place] as number);
  const measured = await measureSensitivity(subject.model, gatherRows(ids, time, chosen), chosen.length, time, draws);
  return new Map(places.map((place, index) => [place, measured[index] as Sensitivity]));
}

interface Pair {
  readonly norm: Computed;
  readonly other: Computed;
  /** Rows are places in the order. */
  readonly found: Comparison;
}

function compareAll(
  computed: readonly Computed[],
  { head: { outputs } }: ModelPlan,
  sensitivities: Sensitivities = new Map(),
): Pair[] {
  return computed.flatMap((norm, index) =>
    computed.slice(index + 1).map((other) => {
      const size = Math.min(norm.examples, other.examples) * outputs;
      const [one, two] = [norm, other].map(({ logits, probabilities }) => ({
        logits: logits.subarray(0, size),
        probabilities: probabilities.subarray(0, size),
      })) as [Outputs, Outputs];
      const tolerance = tolerances[toleranceBetween(norm.name, other.name)];
      const allowed = norm.name === 'reference' ? sensitivities : doubled(sensitivities);
      return { norm, other, found: compareOutputs(one, two, outputs, tolerance, allowed) };
    }),
  );
}

/** Two runners may be off the exact answer to opposite sides. */
function doubled(sensitivities: Sensitivities): Sensitivities {
  return new Map(
    [...sensitivities].map(([place, { probability, logit }]) => [
      place,
      { probability: 2 * probability, logit: 2 * logit },
    ]),
  );
}

function report(
  computed: readonly Computed[],
  skipped: readonly SkippedRunner[],
  compared: readonly Pair[],
  order: Uint32Array,
  sensitivities: Sensitivities,
): Omit<ParityReport, 'onnxSha256'> {
  const pairs = compared.map((pair) => describePair(pair, order));
  const againstReference = pairs.filter(({ norm }) => norm === 'reference');
  const places = (key: 'flips' | 'ties' | 'sensitive'): Set<number> =>
    new Set(compared.flatMap(({ found }) => found[key]));
  return {
    passed: pairs.every(({ passed }) => passed),
    examples: Math.max(...pairs.map(({ examples }) => examples)),
    flips: places('flips').size,
    ties: places('ties').size,
    sensitive: [...places('sensitive')]
      .map((place) => ({ row: order[place] as number, ...(sensitivities.get(place) as Sensitivity) }))
      .sort((a, b) => a.row - b.row),
    maxAbsError: Math.max(...againstReference.map(({ maxAbsError }) => maxAbsError)),
    maxLogitError: Math.max(...againstReference.map(({ maxLogitError }) => maxLogitError)),
    smallestMargin: Math.min(...compared.map(({ found }) => found.smallestMargin)),
    runners: [
      ...computed.map((runner) =>
        describeRunner(
          runner,
          againstReference.find(({ other }) => other === runner.name),
        ),
      ),
      ...skipped,
    ],
    pairs,
    tolerances: Object.fromEntries(pairs.map(({ tolerance }) => [tolerance, tolerances[tolerance]])),
  };
}

function describeRunner(
  { name, description, examples, seconds }: Computed,
  pair: PairReport | undefined, // none for the reference itself
): RanRunner {
  const { maxAbsError = 0, maxLogitError = 0, flips = 0, ties = 0 } = pair ?? {};
  return { name, description, examples, maxAbsError, maxLogitError, flips, ties, seconds };
}

function describePair({ norm, other, found }: Pair, order: Uint32Array): PairReport {
  const given = (place: number): number => order[place] as number;
  const firstOf = (places: Iterable<number>): number[] =>
    Array.from(places, given)
      .sort((a, b) => a - b)
      .slice(0, 10);
  const failing = new Set([...found.flips, ...found.overTolerance, ...found.notFinite]);
  return {
    norm: norm.name,
    other: other.name,
    examples: found.rows,
    maxAbsError: found.probabilityError.value,
    maxAbsErrorRow: given(found.probabilityError.row),
    maxLogitError: found.logitError.value,
    maxLogitErrorRow: given(found.logitError.row),
    flips: found.flips.length,
    ties: found.ties.length,
    overTolerance: found.overTolerance.length,
    sensitive: found.sensitive.length,
    notFinite: found.notFinite.length,
    failingRows: firstOf(failing),
    tiedRows: firstOf(found.ties),
    tolerance: toleranceBetween(norm.name, other.name),
    passed: failing.size === 0,
  };
}
