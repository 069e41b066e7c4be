import type { LayerInput } from '../spec-input.ts';

/** A layer on one line, such as `lstm, units 16, dropout 0.2`; what is switched off is not said. */
export function describeInput(layer: LayerInput): string {
  const { type, name: _, ...options } = layer;
  const parts = Object.entries(options).flatMap(([key, value]) => {
    if (value === false || value === 0 || value === undefined) return [];
    if (typeof value === 'object') return [`(${describeInput(value as LayerInput)})`];
    return [value === true ? key : `${key} ${value}`];
  });
  return [type, ...parts].join(', ');
}
