/**
 * One time step of each recurrent kind, from the equations.
 *
 * x: input of the step, [rows, features]; h: hidden state that enters it, c: cell state (LSTM), [rows, units].
 * W: kernel, U: recurrent kernel, b and r: the biases that go with them; σ: recurrent activation, φ: activation;
 * ⊙: element by element. h̃ is h times its recurrent dropout mask (h itself when there is none): it takes part in
 * the products with U only, while the state carried past them stays whole, as in Keras 3.
 *
 * simpleRnn   h' = φ(x W + b + h̃ U + r)
 *
 * lstm        i = σ(x Wᵢ + bᵢ + h̃ Uᵢ + rᵢ)          how much enters        Hochreiter & Schmidhuber 1997,
 *             f = σ(x W_f + b_f + h̃ U_f + r_f)      how much stays         Gers et al. 2000
 *             g = φ(x W_c + b_c + h̃ U_c + r_c)      what enters
 *             o = σ(x Wₒ + bₒ + h̃ Uₒ + rₒ)          how much shows
 *             c' = f ⊙ c + i ⊙ g,   h' = o ⊙ φ(c')
 *
 * gru         z = σ(x W_z + b_z + h̃ U_z + r_z)      how much stays         Cho et al. 2014
 *             s = σ(x W_r + b_r + h̃ U_r + r_r)      how much is looked at
 *             resetAfter: g = φ(x W_h + b_h + s ⊙ (h̃ U_h + r_h))
 *             else:       g = φ(x W_h + b_h + (s ⊙ h̃) U_h + r_h)
 *             h' = z ⊙ h + (1 − z) ⊙ g
 *
 * The columns of W, U, b and r are in Keras' order of gates: i f c o and z r h.
 */
import type { LayerOf, RecurrentLayer } from '../../models/layers.ts';
import { gates } from '../../models/plan.ts';
import { elementwise } from './elementwise.ts';
import type { Matrix, OneHot, Operations } from './operations.ts';

export interface CellParts {
  /** W: [features, gates · units] */
  readonly kernel: Matrix;
  /** U: [units, gates · units] */
  readonly recurrentKernel: Matrix;
  /** b and r: [2, gates · units]; [1, gates · units] when there is no r; undefined when there is neither. */
  readonly bias: Matrix | undefined;
  /** h̃: applies the recurrent dropout mask, if there is one. */
  readonly dropState: (h: Matrix) => Matrix;
}

/** The hidden state, and for an LSTM the cell state after it. */
export type State = readonly [h: Matrix, c: Matrix];

/** One time step. A cell without a cell state hands back the one it was given. */
export type Cell = (x: Matrix | OneHot, state: State) => State;

/** The equations of `layer`, bound to its weights. */
export function bindCell(operations: Operations, layer: RecurrentLayer, parts: CellParts): Cell {
  switch (layer.type) {
    case 'simpleRnn':
      return simpleRnn(operations, layer, parts);
    case 'lstm':
      return lstm(operations, layer, parts);
    case 'gru':
      return gru(operations, layer, parts);
  }
}

function simpleRnn(operations: Operations, layer: LayerOf<'simpleRnn'>, parts: CellParts): Cell {
  const { map } = operations;
  const [gate] = gatesOf(operations, parts, gates.simpleRnn) as [Gate];
  const phi = elementwise[layer.activation];

  return (x, [h, c]) => [map(weighed(operations, gate, x, parts.dropState(h)), phi), c];
}

function lstm(operations: Operations, layer: LayerOf<'lstm'>, parts: CellParts): Cell {
  const { sum, multiply, map } = operations;
  const [input, forget, candidate, output] = gatesOf(operations, parts, gates.lstm) as [Gate, Gate, Gate, Gate];
  const phi = elementwise[layer.activation];
  const sigma = elementwise[layer.recurrentActivation];

  return (x, [h, c]) => {
    const dropped = parts.dropState(h);
    const i = map(weighed(operations, input, x, dropped), sigma);
    const f = map(weighed(operations, forget, x, dropped), sigma);
    const g = map(weighed(operations, candidate, x, dropped), phi);
    const o = map(weighed(operations, output, x, dropped), sigma);
    const next = sum(multiply(f, c), multiply(i, g));
    return [multiply(o, map(next, phi)), next];
  };
}

function gru(operations: Operations, layer: LayerOf<'gru'>, parts: CellParts): Cell {
  const { matmul, sum, multiply, map } = operations;
  const [update, reset, candidate] = gatesOf(operations, parts, gates.gru) as [Gate, Gate, Gate];
  const { W, U, b, r } = candidate;
  const phi = elementwise[layer.activation];
  const sigma = elementwise[layer.recurrentActivation];

  return (x, [h, c]) => {
    const dropped = parts.dropState(h);
    const z = map(weighed(operations, update, x, dropped), sigma);
    const s = map(weighed(operations, reset, x, dropped), sigma);
    const seen = layer.resetAfter ? multiply(s, sum(matmul(dropped, U), r)) : sum(matmul(multiply(s, dropped), U), r);
    const g = map(sum(matmul(x, W), b, seen), phi);
    return [sum(multiply(z, h), multiply(map(z, oneMinus), g)), c];
  };
}

const oneMinus = { value: (x: number) => 1 - x, slope: () => -1 };

/** One gate's columns of the weights. */
interface Gate {
  readonly W: Matrix;
  readonly U: Matrix;
  readonly b: Matrix | undefined;
  readonly r: Matrix | undefined;
}

function gatesOf({ split, row }: Operations, { kernel, recurrentKernel, bias }: CellParts, count: number): Gate[] {
  const U = split(recurrentKernel, count);
  const b = bias && split(row(bias, 0), count);
  const r = bias?.rows === 2 ? split(row(bias, 1), count) : undefined;
  return split(kernel, count).map((W, gate) => ({ W, U: U[gate] as Matrix, b: b?.[gate], r: r?.[gate] }));
}

/** x W + b + h̃ U + r */
function weighed({ matmul, sum }: Operations, { W, U, b, r }: Gate, x: Matrix | OneHot, dropped: Matrix): Matrix {
  return sum(matmul(x, W), b, matmul(dropped, U), r);
}
