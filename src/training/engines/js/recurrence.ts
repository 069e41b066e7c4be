/**
 * The walk of a recurrent layer through time, the same for every kind of cell: direction, masks, recurrent
 * dropout, and which states become the output. What happens inside a step is the cell's affair.
 *
 * At a masked step the output is the state carried over. Keras gives zeros there inside Bidirectional; no one can
 * tell, as every layer above skips the same steps.
 */
import type { RecurrentLayer } from '../../../../models/layers.ts';
import { gates, stateNames } from '../../../../models/plan.ts';
import type { Walk } from '../walk.ts';
import type { Cell, CellInputs } from './cells/cell.ts';
import { gruCell } from './cells/gru.ts';
import { lstmCell } from './cells/lstm.ts';
import { simpleRnnCell } from './cells/simple-rnn.ts';
import { dropInputs } from './drop-inputs.ts';
import type { Pass } from './pass.ts';
import { project } from './projection.ts';
import { denseSequence, type Forwarded, type Sequence, type Vector, vector } from './signal.ts';

/** Runs a recurrent layer over `input`. */
export function recur(
  pass: Pass,
  layer: RecurrentLayer,
  prefix: string,
  input: Sequence,
  walk: Walk,
): Forwarded<Sequence | Vector> {
  const { rows, time, mask } = pass;
  const { units } = layer;
  const slot = rows * units;
  const backwards = walk.direction === 'backward';

  const inputMask = pass.dropoutMask('dropout', walk.stream, layer.dropout, rows * input.features);
  const { output: entered, backward: leave } = inputMask
    ? dropInputs(pass, input, inputMask)
    : { output: input, backward: () => {} };
  const recurrentMask = pass.dropoutMask('recurrentDropout', walk.stream, layer.recurrentDropout, slot);

  const states = stateNames[layer.type].map((name) => {
    const slots = new Float32Array((time + 1) * slot);
    slots.set(pass.initialState(`${prefix}/${name}`) ?? []);
    return slots;
  });
  const stateGradients = states.map(() => new Float32Array(slot));
  const [hidden] = states as [Float32Array];
  const [hiddenGradient] = stateGradients as [Float32Array];
  const previous = new Float32Array(time * slot);
  const previousGradient = new Float32Array(slot);
  const projection = project(pass, entered, `${prefix}/kernel`, gates[layer.type] * units);
  const cell = createCell(layer, {
    pass,
    prefix,
    projection,
    previous,
    previousGradient,
    states,
    stateGradients,
  });

  const timeOf = (s: number) => (backwards ? time - 1 - s : s);
  const outputOf = (s: number) => (walk.outputOrder === 'time' ? timeOf(s) : s);
  const isMasked = (t: number, row: number) => mask !== undefined && mask[t * rows + row] === 0;

  for (let s = 0; s < time; s++) {
    const t = timeOf(s);
    const entering = hidden.subarray(s * slot, (s + 1) * slot);
    if (recurrentMask) {
      for (let i = 0; i < slot; i++) previous[t * slot + i] = (entering[i] as number) * (recurrentMask[i] as number);
    } else {
      previous.set(entering, t * slot);
    }
    cell.forward(s, t);
    for (let row = 0; mask && row < rows; row++) {
      if (!isMasked(t, row)) continue;
      const from = s * slot + row * units;
      for (const state of states) state.copyWithin(from + slot, from, from + units);
    }
  }

  const output = layer.returnSequences ? denseSequence(time * rows, units) : vector(rows, units);
  if (!layer.returnSequences) output.value.set(hidden.subarray(time * slot));
  for (let s = 0; layer.returnSequences && s < time; s++) {
    output.value.set(hidden.subarray((s + 1) * slot, (s + 2) * slot), outputOf(s) * slot);
  }

  /** Gradients of a masked row's states pass by the cell untouched: they are set aside while it works on the rest. */
  const aside = stateGradients.map(() => new Float32Array(slot));

  function backward(): void {
    if (!layer.returnSequences) hiddenGradient.set(output.gradient);
    for (let s = time - 1; s >= 0; s--) {
      const t = timeOf(s);
      for (let i = 0; layer.returnSequences && i < slot; i++) {
        hiddenGradient[i] = (hiddenGradient[i] as number) + (output.gradient[outputOf(s) * slot + i] as number);
      }
      for (let row = 0; mask && row < rows; row++) {
        const range = [row * units, (row + 1) * units] as const;
        stateGradients.forEach((gradient, k) => {
          const kept = (aside[k] as Float32Array).subarray(...range);
          if (isMasked(t, row)) {
            kept.set(gradient.subarray(...range));
            gradient.fill(0, ...range);
          } else {
            kept.fill(0);
          }
        });
      }
      cell.backward(s, t);
      for (let i = 0; i < slot; i++) {
        const kept = recurrentMask ? (recurrentMask[i] as number) : 1;
        hiddenGradient[i] = (hiddenGradient[i] as number) + (previousGradient[i] as number) * kept;
      }
      previousGradient.fill(0);
      for (let k = 0; mask && k < stateGradients.length; k++) {
        const gradient = stateGradients[k] as Float32Array;
        const kept = aside[k] as Float32Array;
        for (let i = 0; i < slot; i++) gradient[i] = (gradient[i] as number) + (kept[i] as number);
      }
    }
    projection.backward(cell.finish());
    leave();
  }

  return { output, backward };
}

function createCell(layer: RecurrentLayer, inputs: CellInputs): Cell {
  switch (layer.type) {
    case 'simpleRnn':
      return simpleRnnCell(layer, inputs);
    case 'lstm':
      return lstmCell(layer, inputs);
    case 'gru':
      return gruCell(layer, inputs);
  }
}
