/** A whole model laid out for one shape of batch. */
import type { Layer, LayerOf } from '../../../../models/layers.ts';
import type { ModelPlan } from '../../../../models/plan.ts';
import { walkOf } from '../walk.ts';
import { bidirectional } from './layers/bidirectional.ts';
import { dense, denseLinear } from './layers/dense.ts';
import { dropout } from './layers/dropout.ts';
import { pooling } from './layers/pooling.ts';
import { recur } from './recurrence.ts';
import { passThrough, type Sequence, type Signal, type Stage, type Vector } from './signal.ts';
import type { Workspace } from './workspace.ts';

/** Every layer up to the logits. */
export function layOutNetwork(workspace: Workspace, plan: ModelPlan): Stage<Vector> {
  const stages: Stage[] = [];
  let signal: Signal = { kind: 'ids' };
  plan.layers.forEach(({ layer }, index) => {
    const isHead = index === plan.layers.length - 1;
    const stage = isHead
      ? denseLinear(workspace, layer as LayerOf<'dense'>, signal as Vector)
      : layOutLayer(workspace, layer, index, signal);
    stages.push(stage);
    signal = stage.output;
  });
  const backwards = stages.toReversed();
  return {
    output: signal as Signal as Vector,
    forward: () => {
      for (const stage of stages) stage.forward();
    },
    backward: () => {
      for (const stage of backwards) stage.backward();
    },
  };
}

/** The plan has checked that each layer gets the kind of signal that it takes. */
function layOutLayer(workspace: Workspace, layer: Layer, index: number, signal: Signal): Stage {
  switch (layer.type) {
    case 'embedding': {
      const name = `${layer.name}/embeddings`;
      const table = workspace.weight(name);
      const tableGradient = workspace.gradient(name);
      return passThrough({ kind: 'embedded', features: layer.outputDim, table, tableGradient });
    }
    case 'oneHot':
      return passThrough({ kind: 'oneHot', features: layer.depth, scale: 0 });
    case 'simpleRnn':
    case 'lstm':
    case 'gru':
      return recur(workspace, layer, layer.name, signal as Sequence, walkOf(layer, index));
    case 'bidirectional':
      return bidirectional(workspace, layer, index, signal as Sequence);
    case 'pooling':
      return pooling(workspace, layer, signal as Sequence);
    case 'dropout':
      return dropout(workspace, layer, index, signal as Sequence | Vector);
    case 'dense':
      return dense(workspace, layer, signal as Vector);
  }
}
