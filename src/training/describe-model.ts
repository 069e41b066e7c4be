/** What a model is for the texts at hand: its spec, its vocabulary, how it reads them. */
import type { ModelSpec, SpecInput } from '../../models/layers.ts';
import { type ModelPlan, planModel } from '../../models/plan.ts';
import { parseSpec } from '../../models/spec.ts';
import { defaultTokenizer, type Preprocessing } from '../../models/text/preprocessing.ts';
import { fail } from '../core/errors.ts';
import type { Dataset } from '../data/dataset.ts';
import type { RunOptions, RunOptionsInput } from './options.ts';
import { vocabularyOf } from './recipe.ts';

/** A spec, parsed or as it is written, or how to make one when the sizes are known. */
export type SpecSource = ModelSpec | SpecInput | ((sizes: { vocabularySize: number; classes: number }) => SpecInput);

export interface DescribedModel {
  readonly plan: ModelPlan;
  readonly vocabulary: readonly string[];
  readonly preprocessing: Preprocessing;
}

/** A finished spec says its vocabulary size itself. @throws SPEC_INVALID; OPTION_UNSUPPORTED when another one is asked for */
export function vocabularySizeOf(spec: ModelSpec | SpecInput, { vocabularySize: asked }: RunOptionsInput): number {
  const { vocabularySize } = planModel(parseSpec(spec));
  if (asked !== undefined && asked !== vocabularySize) {
    fail(
      'OPTION_UNSUPPORTED',
      `vocabularySize ${asked} was asked for, but the spec ${spec.name} has ${vocabularySize}`,
      'Change the first layer of the spec, or leave the option out.',
    );
  }
  return vocabularySize;
}

/** @param texts that are trained on @throws SPEC_INVALID, DATA_LABELS, OPTION_UNSUPPORTED */
export function describeModel(
  source: SpecSource,
  data: Dataset,
  options: RunOptions,
  texts: readonly string[],
): DescribedModel {
  const tokenizer = options.tokenizer ?? defaultTokenizer;
  const limitOf = (size: number) => Math.max(size - tokenizer.firstWordId, 0);
  const classes = data.labels.length;

  let plan: ModelPlan;
  let vocabulary: readonly string[];
  if (typeof source === 'function') {
    vocabulary = vocabularyOf(data, texts, tokenizer, limitOf(options.vocabularySize));
    const vocabularySize = Math.max(tokenizer.firstWordId + vocabulary.length, tokenizer.firstWordId + 1);
    plan = planModel(parseSpec(source({ vocabularySize, classes })));
  } else {
    plan = planModel(parseSpec(source));
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
