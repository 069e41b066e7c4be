/** The bias of a recurrent layer: what of it enters with the input, and what the reset gate of a GRU acts on. */
import type { RecurrentLayer } from '../../../../models/layers.ts';
import { gates } from '../../../../models/plan.ts';
import type { Address } from './kernels.ts';
import type { Workspace } from './workspace.ts';

export interface Biases {
  /** [gates · units]: what is added to x·W. */
  readonly input: Address;
  readonly inputGradient: Address;
  /** GRU with reset after: what is added to h·U. */
  readonly recurrent: Address;
  readonly recurrentGradient: Address;
  readonly forward: () => void;
  readonly backward: () => void;
}

/** Of a double bias both halves enter with the input, as one, except where a reset gate stands between them. */
export function biasesOf(workspace: Workspace, layer: RecurrentLayer, prefix: string): Biases {
  const none = {
    input: 0,
    inputGradient: 0,
    recurrent: 0,
    recurrentGradient: 0,
    forward: () => {},
    backward: () => {},
  };
  if (layer.bias === 'none') return none;
  const { kernels } = workspace;
  const width = gates[layer.type] * layer.units;
  const input = workspace.weight(`${prefix}/bias`);
  const inputGradient = workspace.gradient(`${prefix}/bias`);
  if (layer.bias === 'single') return { ...none, input, inputGradient };
  const recurrent = input + 4 * width;
  const recurrentGradient = inputGradient + 4 * width;
  if (layer.type === 'gru' && layer.resetAfter) return { ...none, input, inputGradient, recurrent, recurrentGradient };
  const sum = workspace.reserve(width);
  return {
    ...none,
    input: sum,
    inputGradient,
    forward: () => {
      kernels.fill(sum, 0, 4 * width);
      kernels.addVector(sum, input, width);
      kernels.addVector(sum, recurrent, width);
    },
    backward: () => kernels.addVector(recurrentGradient, inputGradient, width),
  };
}
