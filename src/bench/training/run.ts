/** The benchmark of training: on each problem, answers compared, then all contenders timed in turn. */
import type { Progress } from '../../core/progress.ts';
import { type Spread, spreadOf } from '../spread.ts';
import type { Absence, Contender, OpenContender } from './contender.ts';
import { type Problem, usefulFlops, withoutDropout } from './problem.ts';
import { buildProblem, type Outline, sizeNames } from './problems.ts';
import type { RealTexts } from './real-texts.ts';
import { errorOf, type Standard, standardOf } from './standard.ts';

export interface TrainingRow extends Spread, Pick<Problem, 'shape' | 'layer' | 'ids'>, Pick<Contender, 'threads'> {
  readonly contender: Contender['name'];
  /** See `errorOf`, and the spread of the losses of the first steps if that is larger. */
  readonly maxError: number;
}

/** A row with what is said of it beside the figures that programs read. */
export interface MeasuredRow extends TrainingRow {
  readonly usefulFlops: number;
}

export interface ProblemAbsence extends Absence, Pick<Problem, 'shape' | 'layer' | 'ids'> {
  /** It was there and its answers were wrong. */
  readonly wrong: boolean;
}

export interface TrainingRun {
  readonly rows: readonly MeasuredRow[];
  readonly absences: readonly ProblemAbsence[];
}

export interface RunOptions {
  readonly outlines: readonly Outline[];
  readonly contenders: readonly Contender[];
  /** Needed where ids are real. */
  readonly texts: RealTexts | undefined;
  /** Of timing, for each contender on each problem. */
  readonly seconds: number;
  /** Contenders that take seconds for a step are timed on every problem, not only where they take least. */
  readonly patient: boolean;
  readonly progress: Progress;
}

/** Drift of the machine meets all contenders alike if each has its turn often. */
const rounds = 8;
/** Steps of Adam whose losses are compared, and their step size. */
const comparedSteps = 5;
const comparedRate = 1e-3;
/** So small that hundreds of steps on a few batches stay where training begins, and numbers do not fade. */
const timedRate = 1e-7;
/** A contender this far off computes something else: float32 stays some hundred times below. */
const wrong = 1e-3;
/** A step that takes longer is timed but twice, and its contender compared by the gradient alone. */
const slowSeconds = 1;
const slowSteps = 2;
/** The longest step that is waited for unasked. */
const longestSeconds = 20;

export async function runTraining(options: RunOptions): Promise<TrainingRun> {
  const { outlines, contenders, texts, progress } = options;
  const rows: MeasuredRow[] = [];
  const absences: ProblemAbsence[] = [];
  const parts = rounds + 2; // comparing and warming up take about as long as two rounds
  const total = outlines.length * contenders.length * parts;
  progress.start('Benchmark', total);
  for (const [index, outline] of outlines.entries()) {
    const { shape, layer, ids } = outline;
    const note = `${shape} ${layer} ${ids}`;
    const tick = (done: number) => progress.update((index * parts + done) * contenders.length, note);
    tick(0);
    const problem = await buildProblem(outline, texts);
    const absent = (contender: Contender, reason: string, wrong = false) =>
      absences.push({ shape, layer, ids, contender: contender.name, threads: contender.threads, reason, wrong });
    const present = contenders.filter((contender) => {
      const reason = options.patient ? undefined : leftOut(contender, problem);
      if (reason !== undefined) absent(contender, reason);
      return reason === undefined;
    });
    rows.push(...(await runProblem(problem, present, { absent, tick, seconds: options.seconds })));
  }
  progress.stop();
  return { rows, absences };
}

interface Watch {
  readonly absent: (contender: Contender, reason: string, wrong?: boolean) => void;
  readonly tick: (round: number) => void;
  readonly seconds: number;
}

const secondsOf = (contender: Contender, problem: Problem) => usefulFlops(problem) / contender.flopsPerSecond;

function leftOut(contender: Contender, problem: Problem): string | undefined {
  const seconds = secondsOf(contender, problem);
  const waited = sizeNames.includes(problem.shape) && problem.ids !== 'uniform' && seconds < longestSeconds;
  if (seconds < slowSeconds || waited) return undefined;
  return 'it takes seconds for a step: timed only if --contenders names it';
}

/** A contender whose answers are known. */
interface Compared {
  readonly contender: Contender;
  readonly slow: boolean;
  readonly open: OpenContender;
  readonly error: number;
  readonly times: number[];
}

async function runProblem(
  problem: Problem,
  contenders: readonly Contender[],
  { absent, tick, seconds }: Watch,
): Promise<MeasuredRow[]> {
  const compared = await compareAll(problem, contenders, absent);
  const turn = (1000 * seconds) / rounds;
  tick(1);
  const quick = compared.filter(({ slow }) => !slow);
  for (const { open } of quick) await open.time(turn, timedRate); // lets compilers and caches settle
  for (let round = 0; round < rounds; round++) {
    tick(2 + round);
    for (let place = 0; place < quick.length; place++) {
      const { open, times } = quick[(place + round) % quick.length] as Compared;
      times.push(...(await open.time(turn, timedRate)));
    }
  }
  for (const { slow, open, times } of compared) {
    while (slow && times.length < slowSteps) times.push(...(await open.time(0, timedRate)));
    await open.close();
  }
  const { shape, layer, ids } = problem;
  const flops = usefulFlops(problem);
  return compared.map(({ contender, error, times }) => ({
    ...{ shape, layer, ids, contender: contender.name, threads: contender.threads },
    ...spreadOf(times),
    maxError: error,
    usefulFlops: flops,
  }));
}

async function compareAll(
  problem: Problem,
  contenders: readonly Contender[],
  absent: Watch['absent'],
): Promise<Compared[]> {
  const plain = withoutDropout(problem);
  const standards = new Map<Problem, Standard>();
  const losses = new Map<Problem, number[][]>();
  const found: (Compared & { readonly variant: Problem; readonly losses: readonly number[] | undefined })[] = [];
  for (const contender of contenders) {
    const variant = contender.ownMasks ? plain : problem;
    const opened = await contender.open(variant);
    if (typeof opened === 'string') {
      absent(contender, opened);
      continue;
    }
    const standard = standards.get(variant) ?? standardOf(variant);
    standards.set(variant, standard);
    const error = errorOf(await opened.gradients(standard.rows), standard);
    const slow = secondsOf(contender, problem) > slowSeconds;
    const first = slow ? undefined : [...(await opened.losses(comparedSteps, comparedRate))];
    if (first) losses.set(variant, [...(losses.get(variant) ?? []), first]);
    if (variant !== problem) await opened.close();
    const timed = variant === problem ? opened : await contender.open(problem);
    if (typeof timed === 'string') absent(contender, timed);
    else found.push({ contender, slow, open: timed, error, times: [], variant, losses: first });
  }
  const compared: Compared[] = [];
  for (const { variant, losses: own, ...rest } of found) {
    const error = Math.max(rest.error, own ? distanceToMedian(own, losses.get(variant) as number[][]) : 0);
    if (error < wrong) {
      compared.push({ ...rest, error });
    } else {
      absent(rest.contender, `its answers are off by ${error.toExponential(1)}, so they are not timed`, true);
      await rest.open.close();
    }
  }
  return compared;
}

/** How far the losses of one contender are from the middle one of all, at the worst step. */
function distanceToMedian(own: readonly number[], all: readonly (readonly number[])[]): number {
  const distances = own.map((loss, step) => {
    const sorted = all.map((losses) => losses[step] as number).sort((a, b) => a - b);
    return Math.abs(loss - (sorted[Math.floor((sorted.length - 1) / 2)] as number));
  });
  const worst = Math.max(...distances);
  return Number.isNaN(worst) ? Number.POSITIVE_INFINITY : worst;
}
