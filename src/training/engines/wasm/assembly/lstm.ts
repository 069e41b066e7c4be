/**
 * LSTM, gates in Keras' order i f c o: c' = f·c + i·g, h' = o·act(c').
 *
 * `gates` comes with x·W + b of all steps. Forward, a step adds h·U and puts the activated gates in the place of their
 * sums; backward, the gradients of the sums take their place again. The loops hold only what has an order: one product
 * with U a step, and one with its transpose on the way back. The gradients of W, U, b and x are products with the
 * gradients of all steps at once, and follow when the walk is over.
 */
import { activateRange, SIGMOID, slope, TANH } from './activations';
import { add, GRADIENT_GRAIN, mul, multiplyAdd, VALUE, VECTOR, withoutTraces } from './lanes';
import { addProduct } from './product';
import { Recurrence } from './recurrence';

export function lstmForward(w: Recurrence): void {
  const units = w.units;
  const bytes = <usize>units * VALUE;
  for (let step = 0; step < w.time; step++) {
    const t = w.timeOf(step);
    for (let group = 0; group < w.groups; group++) {
      const gates = w.gates + w.at(t, group, 4 * units);
      addProduct(gates, w.enter(t, group), w.kernel, units, 4 * units);
      activateRange(w.recurrentActivation, gates, gates, 2 * bytes);
      activateRange(w.activation, gates + 2 * bytes, gates + 2 * bytes, bytes);
      activateRange(w.recurrentActivation, gates + 3 * bytes, gates + 3 * bytes, bytes);

      const before = w.carry + w.entering(t, group);
      const after = w.carry + w.leaving(t, group);
      for (let i: usize = 0; i < bytes; i += VECTOR) {
        const kept = mul(v128.load(gates + bytes + i), v128.load(before + i));
        v128.store(after + i, multiplyAdd(v128.load(gates + i), v128.load(gates + 2 * bytes + i), kept));
      }
      const out = w.carryOut + w.at(t, group, units);
      activateRange(w.activation, out, after, bytes);
      const hidden = w.hidden + w.leaving(t, group);
      for (let i: usize = 0; i < bytes; i += VECTOR) {
        v128.store(hidden + i, mul(v128.load(gates + 3 * bytes + i), v128.load(out + i)));
      }
      w.hold(w.carry, t, group);
      w.hold(w.hidden, t, group);
    }
  }
}

export function lstmBackward(w: Recurrence): void {
  const units = w.units;
  const usual = w.activation == TANH && w.recurrentActivation == SIGMOID;
  for (let step = w.time - 1; step >= 0; step--) {
    const t = w.timeOf(step);
    w.addOutputGradient(t);
    for (let group = 0; group < w.groups; group++) {
      if (usual) gateGradients(w, t, group, TANH, SIGMOID);
      else gateGradients(w, t, group, w.activation, w.recurrentActivation);
      memory.fill(w.previousGradient, 0, <usize>units * VALUE);
      addProduct(w.previousGradient, w.gates + w.at(t, group, 4 * units), w.kernelTransposed, 4 * units, units);
      w.leaveGradient(group);
    }
  }
}

/**
 * Gradients of the gates' sums take the place of the gates; what passes by a masked step stays in the states' gradients.
 * Inlined where it is called: with the usual activations as constants, no choice is left in the loop.
 */
@inline
function gateGradients(w: Recurrence, t: i32, group: i32, activation: i32, recurrentActivation: i32): void {
  const bytes = <usize>w.units * VALUE;
  const gates = w.gates + w.at(t, group, 4 * w.units);
  const before = w.carry + w.entering(t, group);
  const carryOut = w.carryOut + w.at(t, group, w.units);
  const hiddenGradient = w.hiddenGradient + w.at(0, group, w.units);
  const carryGradient = w.carryGradient + w.at(0, group, w.units);
  for (let half: usize = 0; half < VALUE; half += VECTOR) {
    const counts = w.counts(t, group, half);
    for (let unit = half; unit < bytes; unit += VALUE) {
      const at = gates + unit;
      const i = v128.load(at);
      const f = v128.load(at + bytes);
      const g = v128.load(at + 2 * bytes);
      const o = v128.load(at + 3 * bytes);
      const out = v128.load(carryOut + unit);
      const hidden = v128.load(hiddenGradient + unit);
      const carry = v128.load(carryGradient + unit);
      const dh = v128.and(hidden, counts);
      const dc = add(v128.and(carry, counts), mul(mul(dh, o), slope(activation, out)));
      v128.store(at, mul(mul(dc, g), slope(recurrentActivation, i)));
      v128.store(at + bytes, mul(mul(dc, v128.load(before + unit)), slope(recurrentActivation, f)));
      v128.store(at + 2 * bytes, mul(mul(dc, i), slope(activation, g)));
      v128.store(at + 3 * bytes, mul(mul(dh, out), slope(recurrentActivation, o)));
      const dBefore = add(mul(dc, f), v128.andnot(carry, counts));
      v128.store(carryGradient + unit, withoutTraces(dBefore, GRADIENT_GRAIN));
      v128.store(hiddenGradient + unit, v128.andnot(hidden, counts));
    }
  }
}
