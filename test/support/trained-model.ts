/** Models as they come from training, for tests that need a whole one. */
import type { ModelSpec, SpecInput } from '../../models/layers.ts';
import type { TrainedModel } from '../../models/model.ts';
import { planModel } from '../../models/plan.ts';
import { parseSpec } from '../../models/spec.ts';
import type { Weights } from '../../models/weights.ts';
import { randomWeights } from './arbitrary-spec.ts';

/** Labels, vocabulary and preprocessing that fit `spec`; words are `w1`, `w2`, … with ids 1, 2, … */
export function trainedModel(spec: ModelSpec, weights: Weights = randomWeights(spec, 7)): TrainedModel {
  const { head, vocabularySize } = planModel(spec);
  return {
    spec,
    weights,
    preprocessing: {
      tokenizer: { lowercase: 'unicode', filters: '.,!?', startId: null, oovId: null, firstWordId: 1 },
      maxLength: 6,
      padding: 'pre',
      truncating: 'pre',
    },
    vocabulary: Array.from({ length: vocabularySize - 1 }, (_, index) => `w${index + 1}`),
    labels: Array.from({ length: head.classes }, (_, index) => `class ${index}`),
  };
}

export function modelOf(layers: SpecInput['layers']): TrainedModel {
  return trainedModel(parseSpec({ version: 1, name: 'test', layers }));
}
