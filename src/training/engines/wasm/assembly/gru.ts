/**
 * GRU, gates in Keras' order z r h: h' = z·h + (1 − z)·ĥ, where the reset gate acts after the recurrent product,
 * ĥ = act(x·W + b + r·(h·U + b')), or before it, ĥ = act(x·W + b + (r·h)·U).
 */
import { activateRange, SIGMOID, slope, TANH } from './activations';
import { add, mul, multiplyAdd, one, sub, VALUE, VECTOR } from './lanes';
import { addProduct, broadcast } from './product';
import { Recurrence } from './recurrence';

export function gruResetAfterForward(w: Recurrence): void {
  const units = w.units;
  const bytes = <usize>units * VALUE;
  for (let step = 0; step < w.time; step++) {
    const t = w.timeOf(step);
    for (let group = 0; group < w.groups; group++) {
      const gates = w.gates + w.at(t, group, 3 * units);
      const recurrent = w.recurrent + w.at(t, group, 3 * units);
      broadcast(recurrent, w.recurrentBias, 3 * units, 1);
      addProduct(recurrent, w.enter(t, group), w.kernel, units, 3 * units);
      for (let i: usize = 0; i < 2 * bytes; i += VECTOR) {
        v128.store(gates + i, add(v128.load(gates + i), v128.load(recurrent + i)));
      }
      activateRange(w.recurrentActivation, gates, gates, 2 * bytes);
      const candidate = gates + 2 * bytes;
      for (let i: usize = 0; i < bytes; i += VECTOR) {
        const r = v128.load(gates + bytes + i);
        v128.store(candidate + i, multiplyAdd(r, v128.load(recurrent + 2 * bytes + i), v128.load(candidate + i)));
      }
      activateRange(w.activation, candidate, candidate, bytes);
      blend(w, t, group);
    }
  }
}

export function gruResetBeforeForward(w: Recurrence): void {
  const units = w.units;
  const bytes = <usize>units * VALUE;
  for (let step = 0; step < w.time; step++) {
    const t = w.timeOf(step);
    for (let group = 0; group < w.groups; group++) {
      const gates = w.gates + w.at(t, group, 3 * units);
      const previous = w.enter(t, group);
      addProduct(gates, previous, w.kernel, units, 2 * units);
      activateRange(w.recurrentActivation, gates, gates, 2 * bytes);
      const reset = w.reset + w.at(t, group, units);
      for (let i: usize = 0; i < bytes; i += VECTOR) {
        v128.store(reset + i, mul(v128.load(gates + bytes + i), v128.load(previous + i)));
      }
      const candidate = gates + 2 * bytes;
      addProduct(candidate, reset, w.candidateKernel, units, units);
      activateRange(w.activation, candidate, candidate, bytes);
      blend(w, t, group);
    }
  }
}

/** h' = ĥ + z·(h − ĥ) */
@inline
function blend(w: Recurrence, t: i32, group: i32): void {
  const bytes = <usize>w.units * VALUE;
  const gates = w.gates + w.at(t, group, 3 * w.units);
  const before = w.hidden + w.entering(t, group);
  const after = w.hidden + w.leaving(t, group);
  for (let i: usize = 0; i < bytes; i += VECTOR) {
    const candidate = v128.load(gates + 2 * bytes + i);
    v128.store(after + i, multiplyAdd(v128.load(gates + i), sub(v128.load(before + i), candidate), candidate));
  }
  w.hold(w.hidden, t, group);
}

export function gruResetAfterBackward(w: Recurrence): void {
  const units = w.units;
  const usual = w.activation == TANH && w.recurrentActivation == SIGMOID;
  for (let step = w.time - 1; step >= 0; step--) {
    const t = w.timeOf(step);
    w.addOutputGradient(t);
    for (let group = 0; group < w.groups; group++) {
      if (usual) gateGradients(w, t, group, TANH, SIGMOID);
      else gateGradients(w, t, group, w.activation, w.recurrentActivation);
      memory.fill(w.previousGradient, 0, <usize>units * VALUE);
      addProduct(w.previousGradient, w.recurrent + w.at(t, group, 3 * units), w.kernelTransposed, 3 * units, units);
      w.leaveGradient(group);
    }
  }
}

/** Gradients of x·W + b take the place of the gates, those of h·U + b' that of h·U + b'. */
@inline
function gateGradients(w: Recurrence, t: i32, group: i32, activation: i32, recurrentActivation: i32): void {
  const bytes = <usize>w.units * VALUE;
  const gates = w.gates + w.at(t, group, 3 * w.units);
  const recurrent = w.recurrent + w.at(t, group, 3 * w.units);
  const before = w.hidden + w.entering(t, group);
  const hiddenGradient = w.hiddenGradient + w.at(0, group, w.units);
  for (let half: usize = 0; half < VALUE; half += VECTOR) {
    const counts = w.counts(t, group, half);
    for (let unit = half; unit < bytes; unit += VALUE) {
      const z = v128.load(gates + unit);
      const r = v128.load(gates + bytes + unit);
      const candidate = v128.load(gates + 2 * bytes + unit);
      const hidden = v128.load(hiddenGradient + unit);
      const dh = v128.and(hidden, counts);
      const dz = mul(mul(dh, sub(v128.load(before + unit), candidate)), slope(recurrentActivation, z));
      const dCandidate = mul(mul(dh, sub(one(), z)), slope(activation, candidate));
      const dr = mul(mul(dCandidate, v128.load(recurrent + 2 * bytes + unit)), slope(recurrentActivation, r));
      v128.store(gates + unit, dz);
      v128.store(recurrent + unit, dz);
      v128.store(gates + bytes + unit, dr);
      v128.store(recurrent + bytes + unit, dr);
      v128.store(gates + 2 * bytes + unit, dCandidate);
      v128.store(recurrent + 2 * bytes + unit, mul(dCandidate, r));
      v128.store(hiddenGradient + unit, add(mul(dh, z), v128.andnot(hidden, counts)));
    }
  }
}

export function gruResetBeforeBackward(w: Recurrence): void {
  const units = w.units;
  const usual = w.activation == TANH && w.recurrentActivation == SIGMOID;
  for (let step = w.time - 1; step >= 0; step--) {
    const t = w.timeOf(step);
    w.addOutputGradient(t);
    for (let group = 0; group < w.groups; group++) {
      if (usual) resetBeforeGradients(w, t, group, TANH, SIGMOID);
      else resetBeforeGradients(w, t, group, w.activation, w.recurrentActivation);
      addProduct(w.previousGradient, w.gates + w.at(t, group, 3 * units), w.kernelTransposed, 2 * units, units);
      w.leaveGradient(group);
    }
  }
}

/** The candidate first, as its product leads back to the reset gate. */
@inline
function resetBeforeGradients(w: Recurrence, t: i32, group: i32, activation: i32, recurrentActivation: i32): void {
  const bytes = <usize>w.units * VALUE;
  const gates = w.gates + w.at(t, group, 3 * w.units);
  const before = w.hidden + w.entering(t, group);
  const hiddenGradient = w.hiddenGradient + w.at(0, group, w.units);
  const previous = w.previous + w.at(t, group, w.units);
  for (let half: usize = 0; half < VALUE; half += VECTOR) {
    const counts = w.counts(t, group, half);
    for (let unit = half; unit < bytes; unit += VALUE) {
      const z = v128.load(gates + unit);
      const candidate = v128.load(gates + 2 * bytes + unit);
      const hidden = v128.load(hiddenGradient + unit);
      const dh = v128.and(hidden, counts);
      const dz = mul(mul(dh, sub(v128.load(before + unit), candidate)), slope(recurrentActivation, z));
      v128.store(gates + unit, dz);
      v128.store(gates + 2 * bytes + unit, mul(mul(dh, sub(one(), z)), slope(activation, candidate)));
      v128.store(hiddenGradient + unit, add(mul(dh, z), v128.andnot(hidden, counts)));
    }
  }
  memory.fill(w.resetGradient, 0, bytes);
  addProduct(w.resetGradient, gates + 2 * bytes, w.candidateKernelTransposed, w.units, w.units);
  for (let unit: usize = 0; unit < bytes; unit += VECTOR) {
    const r = v128.load(gates + bytes + unit);
    const dReset = v128.load(w.resetGradient + unit);
    v128.store(gates + bytes + unit, mul(mul(dReset, v128.load(previous + unit)), slope(recurrentActivation, r)));
    v128.store(w.previousGradient + unit, mul(dReset, r));
  }
}
