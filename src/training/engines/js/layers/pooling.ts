/** Average or maximum over the unmasked time steps. A row without any gives zeros. */
import type { LayerOf } from '../../../../../models/layers.ts';
import type { Pass } from '../pass.ts';
import { type DenseSequence, type Forwarded, type Vector, vector } from '../signal.ts';

export function pooling(pass: Pass, layer: LayerOf<'pooling'>, input: DenseSequence): Forwarded<Vector> {
  return layer.kind === 'average' ? average(pass, input) : max(pass, input);
}

function average(pass: Pass, input: DenseSequence): Forwarded<Vector> {
  const { rows, time } = pass;
  const { features } = input;
  const output = vector(rows, features);
  const share = new Float32Array(rows); // 1 / number of steps that count
  for (let row = 0; row < rows; row++) {
    let count = 0;
    for (let t = 0; t < time; t++) count += counts(pass, t, row) ? 1 : 0;
    share[row] = count ? 1 / count : 0;
  }
  forEachElement(pass, features, (from, to, row) => {
    output.value[to] = (output.value[to] as number) + (input.value[from] as number) * (share[row] as number);
  });
  return {
    output,
    backward: () =>
      forEachElement(pass, features, (from, to, row) => {
        input.gradient[from] =
          (input.gradient[from] as number) + (output.gradient[to] as number) * (share[row] as number);
      }),
  };
}

function max(pass: Pass, input: DenseSequence): Forwarded<Vector> {
  const { rows } = pass;
  const { features } = input;
  const output = vector(rows, features);
  const chosen = new Int32Array(rows * features).fill(-1); // element of the input, the first one among equals
  forEachElement(pass, features, (from, to) => {
    if (chosen[to] !== -1 && (input.value[from] as number) <= (output.value[to] as number)) return;
    chosen[to] = from;
    output.value[to] = input.value[from] as number;
  });
  return {
    output,
    backward: () =>
      chosen.forEach((from, to) => {
        if (from >= 0) input.gradient[from] = (input.gradient[from] as number) + (output.gradient[to] as number);
      }),
  };
}

function counts({ mask, rows }: Pass, t: number, row: number): boolean {
  return mask === undefined || mask[t * rows + row] === 1;
}

/** Visits each unmasked element of a sequence, with its place in the pooled vector. */
function forEachElement(pass: Pass, features: number, visit: (from: number, to: number, row: number) => void): void {
  for (let t = 0; t < pass.time; t++) {
    for (let row = 0; row < pass.rows; row++) {
      if (!counts(pass, t, row)) continue;
      for (let j = 0; j < features; j++) visit((t * pass.rows + row) * features + j, row * features + j, row);
    }
  }
}
