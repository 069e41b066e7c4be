/** Runs every runner over the same rows and compares each with each. */
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ModelPlan, planModel } from '../../models/plan.ts';
import { fail } from '../core/errors.ts';
import { type Progress, silent } from '../core/progress.ts';
import { createRandom, permutation } from '../core/random.ts';
import { buildReport } from './build-report.ts';
import { checkSubject } from './check-subject.ts';
import { type Computed, compareAll, type Sensitivities } from './pairs.ts';
import type { ParityReport, SkippedRunner } from './report.ts';
import { fileRunners, type Outputs, type Runner, type RunnerName, type Subject } from './runner.ts';
import { runners as allRunners } from './runners.ts';
import { measureSensitivity, type Sensitivity } from './sensitivity.ts';

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
  return { ...buildReport(computed, skipped, compared, order, sensitivities), onnxSha256 };
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
