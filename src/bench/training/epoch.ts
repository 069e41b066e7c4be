/** An epoch of the chapter's LSTM as it is trained: 20,000 reviews in shuffled batches, then 5,000 to validate. */
import { initialWeights } from '../../../models/initialisers.ts';
import { planModel } from '../../../models/plan.ts';
import { parseSpec } from '../../../models/spec.ts';
import { zooModel } from '../../../models/zoo/zoo.ts';
import { type Progress, silent } from '../../core/progress.ts';
import type { EncodedSet } from '../../training/encoded-set.ts';
import type { Engine } from '../../training/engine.ts';
import { jsEngine } from '../../training/engines/js/engine.ts';
import { onnxruntimeEngine } from '../../training/engines/onnxruntime/engine.ts';
import { wasmEngine } from '../../training/engines/wasm/engine.ts';
import { type FitState, fitModel } from '../../training/fit.ts';
import { adam } from '../../training/optimisers.ts';
import { type Machine, measureMachine } from '../machine.ts';
import { type Spread, spreadOf } from '../spread.ts';
import type { Absence } from './contender.ts';
import { findRealTexts, type RealIds } from './real-texts.ts';

const engines = { wasm: wasmEngine, onnxruntime: onnxruntimeEngine, js: jsEngine } as const;
export type EpochContender = keyof typeof engines;

const trainingRows = 20_000;
const validationRows = 5_000;
const batchSize = 64;

export interface EpochBench {
  readonly contenders: readonly EpochContender[];
  readonly threads: readonly number[];
  /** Timed ones, after one to warm up. */
  readonly epochs: number;
  readonly progress: Progress;
}

export interface EpochRow extends Spread {
  readonly contender: EpochContender;
  readonly threads: number;
  readonly ids: RealIds;
  /** Of the last epoch, on the validation part: equal for all but for roundings. */
  readonly validationLoss: number;
}

export interface EpochFigures {
  readonly machine: Machine;
  readonly rows: readonly EpochRow[];
  readonly missing: readonly Absence[];
  readonly noReviews: string | undefined;
}

interface Runner extends Pick<EpochRow, 'contender' | 'threads'> {
  readonly engine: Engine;
  readonly times: number[];
  state: FitState;
}

export async function measureEpochs(bench: EpochBench): Promise<EpochFigures> {
  const { progress } = bench;
  const { build, defaults } = zooModel('lstm');
  const spec = parseSpec(build({ vocabularySize: defaults.vocabularySize, classes: 2 }));
  const weights = initialWeights(planModel(spec), 0);
  const texts = await findRealTexts(progress);
  const set = await texts.encode(texts.reviews, defaults, trainingRows + validationRows);
  progress.stop();
  const training = rowsOf(set, 0, trainingRows);
  const validation = rowsOf(set, trainingRows, trainingRows + validationRows);

  const missing: Absence[] = [];
  const runners: Runner[] = [];
  const start: FitState = { bestEpoch: 0, bestWeights: weights, history: [] };
  for (const contender of bench.contenders) {
    for (const threads of bench.threads) {
      const provider = engines[contender];
      const most = provider.mostThreads(batchSize);
      const reason =
        threads > most
          ? `engine ${contender} uses at most ${most} of ${threads} threads for ${batchSize} rows`
          : await provider.refusal(spec);
      if (reason === undefined) {
        const engine = await provider.prepare({ spec, weights, optimiser: adam, threads });
        runners.push({ contender, threads, engine, times: [], state: start });
      } else {
        missing.push({ contender, threads, reason });
      }
    }
  }
  const machine = await measureMachine([]);
  progress.start('Epochs', (1 + bench.epochs) * runners.length);
  for (let epoch = 0; epoch <= bench.epochs; epoch++) {
    for (const [index, runner] of runners.entries()) {
      progress.update(epoch * runners.length + index, `${runner.contender}, ${runner.threads}`);
      const { state } = await fitModel({
        ...{ engine: runner.engine, training, validation, batchSize, seed: 0, learningRate: 1e-3 },
        ...{ epochs: epoch + 1, patience: Number.MAX_SAFE_INTEGER, start: runner.state },
        masked: undefined,
        onEpoch: async (_, { seconds }) => {
          if (epoch > 0) runner.times.push(1000 * seconds);
        },
        progress: silent,
        signal: undefined,
      });
      runner.state = state;
    }
  }
  progress.stop();
  const rows = runners.map(
    ({ contender, threads, times, state }): EpochRow => ({
      ...{ contender, threads, ids: texts.reviews },
      ...spreadOf(times),
      validationLoss: state.history.at(-1)?.validationLoss as number,
    }),
  );
  for (const { engine } of runners) await engine.dispose();
  return { machine, rows, missing, noReviews: texts.missing };
}

function rowsOf({ time, ids, targets }: EncodedSet, from: number, to: number): EncodedSet {
  return { rows: to - from, time, ids: ids.slice(from * time, to * time), targets: targets.slice(from, to) };
}
