/** The models that are known by name. Closed: a program's own model is a spec. */
import { fail } from '../../src/core/errors.ts';
import { nearestNames } from '../../src/core/nearest.ts';
import { bidirectionalLstm } from './bidirectional-lstm.ts';
import { gruDropout } from './gru-dropout.ts';
import { gruMasked } from './gru-masked.ts';
import { lstm } from './lstm.ts';
import { lstmDropout } from './lstm-dropout.ts';
import { lstmStacked } from './lstm-stacked.ts';
import { lstmStackedPytorch } from './lstm-stacked-pytorch.ts';
import { simpleRnnEmbedding } from './simple-rnn-embedding.ts';
import { simpleRnnOnehot } from './simple-rnn-onehot.ts';
import { simpleRnnPytorch } from './simple-rnn-pytorch.ts';
import { spamLstm } from './spam-lstm.ts';
import { topicsGru } from './topics-gru.ts';
import type { ZooModel } from './zoo-model.ts';

/** All of them. */
export const zoo: readonly ZooModel[] = [
  spamLstm,
  simpleRnnOnehot,
  simpleRnnEmbedding,
  simpleRnnPytorch,
  lstm,
  lstmDropout,
  lstmStacked,
  gruDropout,
  lstmStackedPytorch,
  bidirectionalLstm,
  gruMasked,
  topicsGru,
];

/** A model by its name. @throws MODEL_UNKNOWN with the nearest names */
export function zooModel(name: string): ZooModel {
  const model = zoo.find((candidate) => candidate.name === name);
  if (model) return model;
  const names = zoo.map((known) => known.name);
  const nearest = nearestNames(name, names);
  const hint = nearest.length ? `Did you mean ${nearest.join(' or ')}?` : `The models are ${names.join(', ')}.`;
  return fail('MODEL_UNKNOWN', `no model is called ${name}`, hint);
}
