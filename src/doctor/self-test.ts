/**
 * The two-second test of a part, with everything real: twenty steps of training, an export, and the engine and the
 * exported file held against the float64 reference. Cheap enough to run whenever somebody asks what works.
 */
import { initialWeights } from '../../models/initialisers.ts';
import type { TrainedModel } from '../../models/model.ts';
import { planModel } from '../../models/plan.ts';
import { parseSpec } from '../../models/spec.ts';
import { kerasTokenizer } from '../../models/text/preprocessing.ts';
import type { Weights } from '../../models/weights.ts';
import { fail } from '../core/errors.ts';
import { createRandom } from '../core/random.ts';
import { runParity } from '../parity/matrix.ts';
import { assertParity, type ParityReport } from '../parity/report.ts';
import type { Runner } from '../parity/runner.ts';
import { runners } from '../parity/runners.ts';
import type { Batch, EngineProvider } from '../training/engine.ts';
import { adam } from '../training/optimisers.ts';

const steps = 20;
const learningRate = 0.03;
const [rows, time, words] = [32, 12, 40];

const spec = parseSpec({
  version: 1,
  name: 'self-test',
  layers: [
    { type: 'embedding', inputDim: words, outputDim: 8, maskZero: true },
    { type: 'lstm', units: 8 },
    { type: 'dense', units: 1, activation: 'sigmoid' },
  ],
});

export const load = { spec, optimiser: adam, rows, time } as const;

/** Which half of the vocabulary the last word is of: learnt in twenty steps. */
function practice(): Batch {
  const random = createRandom({ seed: 0, purpose: 'shuffle' });
  const ids = Int32Array.from({ length: rows * time }, () => 1 + random.below(words - 1)); // [rows, time]
  const targets = Int32Array.from({ length: rows }, (_, row) => Number((ids[(row + 1) * time - 1] ?? 0) > words / 2));
  return { rows, time, ids, targets };
}

function modelWith(weights: Weights): TrainedModel {
  return {
    spec,
    weights,
    preprocessing: { tokenizer: kerasTokenizer, maxLength: time, padding: 'pre', truncating: 'pre' },
    vocabulary: Array.from({ length: words - 2 }, (_, index) => `word${index}`),
    labels: ['no', 'yes'],
  };
}

export interface Practised {
  readonly model: TrainedModel;
  readonly firstLoss: number;
  readonly lastLoss: number;
  /** Of the engine. */
  readonly remark: string | undefined;
}

/** Twenty steps. @throws ENGINE_FAILED when it learns nothing, and what the engine throws */
export async function practise(provider: EngineProvider, threads: number): Promise<Practised> {
  const engine = await provider.prepare({
    spec,
    weights: initialWeights(planModel(spec), 0),
    optimiser: adam,
    threads,
  });
  try {
    const batch = practice();
    const losses: number[] = [];
    for (let step = 0; step < steps; step++) {
      losses.push((await engine.step(batch, { seed: 0, epoch: 0, step }, learningRate)).loss);
    }
    const [firstLoss = Number.NaN, lastLoss = Number.NaN] = [losses[0], losses.at(-1)];
    if (!(lastLoss < 0.8 * firstLoss)) {
      fail(
        'ENGINE_FAILED',
        `after ${steps} steps the loss went from ${firstLoss} to ${lastLoss}`,
        'Please report this.',
      );
    }
    const { weights } = await engine.state();
    return { model: modelWith(weights), firstLoss, lastLoss, remark: engine.remark };
  } finally {
    await engine.dispose();
  }
}

/** Exports `model`, and holds what `others` make of it against the reference. @throws PARITY_FAILED, and what they throw */
export async function compare(model: TrainedModel, others: readonly Runner[]): Promise<ParityReport> {
  const { exportOnnx } = await import('../../exporters/export.ts');
  const { ids } = practice();
  const report = await runParity({
    subject: { model, onnx: exportOnnx(model) },
    ...{ ids, rows, time },
    runners: [runners.reference, ...others],
  });
  assertParity(report);
  return report;
}

export const untrained = (): TrainedModel => modelWith(initialWeights(planModel(spec), 0));
