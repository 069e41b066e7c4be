/** A whole model: every layer forward, the loss, and back. */
import type { Layer, LayerOf } from '../../../../models/layers.ts';
import type { ModelPlan } from '../../../../models/plan.ts';
import { walkOf } from '../walk.ts';
import { densify } from './densify.ts';
import { bidirectional } from './layers/bidirectional.ts';
import { dense, denseLinear } from './layers/dense.ts';
import { dropout } from './layers/dropout.ts';
import { embedding } from './layers/embedding.ts';
import { oneHot } from './layers/one-hot.ts';
import { pooling } from './layers/pooling.ts';
import type { Pass } from './pass.ts';
import { recur } from './recurrence.ts';
import type { DenseSequence, Forwarded, Ids, Sequence, Signal, Vector } from './signal.ts';

/** Runs the model to its logits. @param ids [time, rows] */
export function runNetwork(pass: Pass, plan: ModelPlan, ids: Int32Array): Forwarded<Vector> {
  const passed: Forwarded[] = [];
  let signal: Signal = { kind: 'ids', ids };
  plan.layers.forEach(({ layer }, index) => {
    const isHead = index === plan.layers.length - 1;
    const forwarded = isHead
      ? denseLinear(pass, layer as LayerOf<'dense'>, signal as Vector)
      : runLayer(pass, layer, index, signal);
    passed.push(forwarded);
    signal = forwarded.output;
  });
  return {
    output: signal as Signal as Vector,
    backward: () => {
      for (const { backward } of passed.toReversed()) backward();
    },
  };
}

/** The plan has checked that each layer gets the kind of signal that it takes. */
function runLayer(pass: Pass, layer: Layer, index: number, signal: Signal): Forwarded {
  switch (layer.type) {
    case 'embedding':
      return embedding(pass, layer, signal as Ids);
    case 'oneHot':
      return oneHot(layer, signal as Ids);
    case 'simpleRnn':
    case 'lstm':
    case 'gru':
      return recur(pass, layer, layer.name, signal as Sequence, walkOf(layer, index));
    case 'bidirectional':
      return bidirectional(pass, layer, index, signal as Sequence);
    case 'pooling':
      return afterDensify(pass, signal as Sequence, (input) => pooling(pass, layer, input));
    case 'dropout':
      return signal.kind === 'vector'
        ? dropout(pass, layer, index, signal)
        : afterDensify(pass, signal as Sequence, (input) => dropout(pass, layer, index, input));
    case 'dense':
      return dense(pass, layer, signal as Vector);
  }
}

function afterDensify(pass: Pass, input: Sequence, layer: (input: DenseSequence) => Forwarded): Forwarded {
  const dense = densify(pass, input);
  const { output, backward } = layer(dense.output);
  return {
    output,
    backward: () => {
      backward();
      dense.backward();
    },
  };
}
