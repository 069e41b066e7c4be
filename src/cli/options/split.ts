/** Which of the texts a trained model is judged on. */
import { Option } from 'commander';
import type { TrainingRecord } from '../../../models/model.ts';
import { fail } from '../../core/errors.ts';
import { formatCountOf } from '../../core/format-numbers.ts';
import { type Dataset, datasetFingerprint } from '../../data/dataset.ts';
import { partOf } from '../../data/part.ts';
import { splitDataset } from '../../data/split.ts';
import type { LabelledTexts } from '../../training/evaluate.ts';

const parts = ['test', 'validation', 'train', 'all'] as const;
export type Part = (typeof parts)[number];

export const split = new Option(
  '--split <part>',
  'which texts (default: the held-out test part if the model was trained on these texts, else all)',
).choices(parts);

export interface ChosenPart {
  readonly split: Part;
  readonly texts: LabelledTexts;
  /** Why these, for people. */
  readonly note: string;
}

/**
 * The part that was asked for; by default the held-out test part if the model was trained on these very texts, else all.
 * @throws OPTION_UNSUPPORTED when it is not known which texts the part has
 */
export function choosePart(training: TrainingRecord | undefined, data: Dataset, asked: Part | undefined): ChosenPart {
  const known = training && training.fingerprint === datasetFingerprint(data) ? training : undefined;
  const all: ChosenPart = {
    split: 'all',
    texts: data,
    note: `all ${formatCountOf(data.examples.length, 'text')}`,
  };
  if (asked === 'all') return all;
  if (!known) {
    if (asked === undefined) return { ...all, note: `${all.note}; whether training saw some of them is not known` };
    return fail(
      'OPTION_UNSUPPORTED',
      `the model was not trained on ${data.source} as it is now, so it has no ${asked} part for this model`,
      training ? `It was trained on ${training.source}. Use that, or --split all.` : 'Use --split all.',
    );
  }
  const split = splitDataset(data, { ...known, seed: known.splitSeed });
  const part = asked ?? (split.test.length ? 'test' : undefined);
  if (part === undefined) return { ...all, note: `${all.note}: none was held out from training` };
  const texts = partOf(data, split[part]);
  return { split: part, texts, note: `${describePart[part]}: ${formatCountOf(texts.examples.length, 'text')}` };
}

const describePart = {
  test: 'the held-out test part, which training never saw',
  validation: 'the validation part, which early stopping watched',
  train: 'the part that the model was trained on',
} as const;
