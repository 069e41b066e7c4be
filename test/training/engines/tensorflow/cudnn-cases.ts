/** Layers that cuDNN has, at random. */
import fc from 'fast-check';
import type { ModelSpec, RecurrentLayer, SpecInput } from '../../../../models/layers.ts';
import { specOf } from './describe-training.ts';

export type LayerInput = SpecInput['layers'][number];

/** Kinds of layers that cuDNN has. */
export const arbitraryLayer = fc.oneof(
  fc.record({
    type: fc.constant('simpleRnn' as const),
    activation: fc.constantFrom('tanh' as const, 'relu' as const),
    bias: fc.constantFrom('none' as const, 'single' as const, 'double' as const),
  }),
  fc.record({
    type: fc.constant('lstm' as const),
    bias: fc.constantFrom('none' as const, 'single' as const, 'double' as const),
  }),
  fc.record({ type: fc.constant('gru' as const), bias: fc.constantFrom('none' as const, 'double' as const) }),
);
export const arbitrarySizes = fc.record({
  units: fc.integer({ min: 1, max: 6 }),
  features: fc.integer({ min: 1, max: 6 }),
});

/** A layer as a spec has it. */
export function layerOf(input: object): RecurrentLayer {
  const spec = specOf({ type: 'embedding', inputDim: 9, outputDim: 1 }, input as LayerInput, {
    type: 'dense',
    units: 1,
  });
  return layerIn(spec);
}

/** The recurrent one of a spec. */
export function layerIn({ layers: [, layer] }: ModelSpec): RecurrentLayer {
  return (layer?.type === 'bidirectional' ? layer.layer : layer) as RecurrentLayer;
}
