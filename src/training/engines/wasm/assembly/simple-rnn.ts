/** SimpleRNN: h' = act(x·W + b + h·U). */
import { activateRange, slope, TANH } from './activations';
import { mul, VALUE, VECTOR } from './lanes';
import { addProduct } from './product';
import { Recurrence } from './recurrence';

export function simpleRnnForward(w: Recurrence): void {
  const units = w.units;
  for (let step = 0; step < w.time; step++) {
    const t = w.timeOf(step);
    for (let group = 0; group < w.groups; group++) {
      const sums = w.gates + w.at(t, group, units);
      addProduct(sums, w.enter(t, group), w.kernel, units, units);
      activateRange(w.activation, w.hidden + w.leaving(t, group), sums, <usize>units * VALUE);
      w.hold(w.hidden, t, group);
    }
  }
}

export function simpleRnnBackward(w: Recurrence): void {
  const units = w.units;
  for (let step = w.time - 1; step >= 0; step--) {
    const t = w.timeOf(step);
    w.addOutputGradient(t);
    for (let group = 0; group < w.groups; group++) {
      if (w.activation == TANH) sumGradients(w, t, group, TANH);
      else sumGradients(w, t, group, w.activation);
      memory.fill(w.previousGradient, 0, <usize>units * VALUE);
      addProduct(w.previousGradient, w.gates + w.at(t, group, units), w.kernelTransposed, units, units);
      w.leaveGradient(group);
    }
  }
}

/** Gradients of the sums take the place of the sums; what passes by a masked step stays in the state's gradient. */
@inline
function sumGradients(w: Recurrence, t: i32, group: i32, activation: i32): void {
  const bytes = <usize>w.units * VALUE;
  const sums = w.gates + w.at(t, group, w.units);
  const after = w.hidden + w.leaving(t, group);
  const hiddenGradient = w.hiddenGradient + w.at(0, group, w.units);
  for (let half: usize = 0; half < VALUE; half += VECTOR) {
    const counts = w.counts(t, group, half);
    for (let i = half; i < bytes; i += VALUE) {
      const dh = v128.load(hiddenGradient + i);
      v128.store(sums + i, mul(v128.and(dh, counts), slope(activation, v128.load(after + i))));
      v128.store(hiddenGradient + i, v128.andnot(dh, counts));
    }
  }
}
