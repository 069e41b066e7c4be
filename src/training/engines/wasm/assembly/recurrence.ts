/**
 * What a walk through time works on: one record in linear memory, laid out once by `recurrence.ts` of the engine, so
 * that a walk is one call. Sequences are [time][group][value][lane]. States have one slot more than there are time
 * steps. A walk forwards enters step t with slot t and leaves slot t + 1; a walk backwards enters with slot t + 1 and
 * leaves slot t: either way what enters and what leaves the steps are plain sequences in the order of time, one slot apart.
 */
import { add, GRADIENT_GRAIN, mul, VALUE, VECTOR, withoutTraces } from './lanes';

@unmanaged
export class Recurrence {
  units: i32;
  time: i32;
  groups: i32;
  backwards: i32;
  activation: i32;
  recurrentActivation: i32;
  /** Sums of the gates, [time][groups][gates · units]; activated gates after a step; gradients of the sums on the way back. */
  gates: usize;
  /** GRU, reset after: h·U + b', as `gates`; its gradient on the way back. */
  recurrent: usize;
  /** GRU, reset before: r·h, [time][groups][units]. */
  reset: usize;
  /** Hidden state, [time + 1][groups][units]. */
  hidden: usize;
  /** LSTM: cell state, as `hidden`. */
  carry: usize;
  /** LSTM: act(c'), [time][groups][units]. */
  carryOut: usize;
  /** The hidden state that enters the product of each step, [time][groups][units]. */
  previous: usize;
  /** What recurrent dropout leaves of it, [groups][units]; 0: all, and `previous` is a part of `hidden`. */
  recurrentMask: usize;
  /** Bits set where a step counts, [time][groups]; 0: all count. */
  mask: usize;
  /** Recurrent kernel and its transpose, packed; of a GRU with reset before, that of z and r. */
  kernel: usize;
  kernelTransposed: usize;
  /** GRU, reset before: that of the candidate. */
  candidateKernel: usize;
  candidateKernelTransposed: usize;
  /** GRU, reset after: b', [3 · units]; 0: none. */
  recurrentBias: usize;
  /** Gradient of the output of every step, [time][groups][units]; 0: only the last state is an output. */
  outputGradient: usize;
  /** Gradients of the last states; after the way back, of those before the first step, [groups][units] each. */
  hiddenGradient: usize;
  carryGradient: usize;
  /** Of one group's `previous`, and of its r·h, [units]. */
  previousGradient: usize;
  resetGradient: usize;

  /** Place of (t, group) in a sequence of `count` values a group. */
  @inline
  at(t: i32, group: i32, count: i32): usize {
    return <usize>(t * this.groups + group) * <usize>count * VALUE;
  }

  @inline
  timeOf(step: i32): i32 {
    return this.backwards ? this.time - 1 - step : step;
  }

  @inline
  entering(t: i32, group: i32): usize {
    return this.at(t + this.backwards, group, this.units);
  }

  @inline
  leaving(t: i32, group: i32): usize {
    return this.at(t + 1 - this.backwards, group, this.units);
  }

  /** Applies recurrent dropout to the state that enters step t; returns where the product finds it. */
  @inline
  enter(t: i32, group: i32): usize {
    const previous = this.previous + this.at(t, group, this.units);
    if (this.recurrentMask) {
      const mask = this.recurrentMask + this.at(0, group, this.units);
      const hidden = this.hidden + this.entering(t, group);
      const bytes = <usize>this.units * VALUE;
      for (let i: usize = 0; i < bytes; i += VECTOR) {
        v128.store(previous + i, mul(v128.load(hidden + i), v128.load(mask + i)));
      }
    }
    return previous;
  }

  /** A masked step leaves the state that entered it. */
  @inline
  hold(state: usize, t: i32, group: i32): void {
    if (!this.mask) return;
    const low = this.counts(t, group, 0);
    const high = this.counts(t, group, VECTOR);
    if (v128.any_true(v128.not(v128.and(low, high)))) {
      const before = state + this.entering(t, group);
      const after = state + this.leaving(t, group);
      const bytes = <usize>this.units * VALUE;
      for (let i: usize = 0; i < bytes; i += VALUE) {
        v128.store(after + i, v128.bitselect(v128.load(after + i, 0), v128.load(before + i, 0), low), 0);
        v128.store(after + i, v128.bitselect(v128.load(after + i, 16), v128.load(before + i, 16), high), 16);
      }
    }
  }

  /** Bits set in the lanes of half a group for which step t counts. */
  @inline
  counts(t: i32, group: i32, half: usize): v128 {
    return this.mask ? v128.load(this.mask + this.at(t, group, 1) + half) : i32x4.splat(-1);
  }

  /** Adds the gradient of the output of step t to that of the state. */
  @inline
  addOutputGradient(t: i32): void {
    if (!this.outputGradient) return;
    const output = this.outputGradient + this.at(t, 0, this.units);
    const bytes = this.at(1, 0, this.units);
    for (let i: usize = 0; i < bytes; i += VECTOR) {
      const to = this.hiddenGradient + i;
      v128.store(to, add(v128.load(to), v128.load(output + i)));
    }
  }

  /** Adds what came back through the product to the gradient of the state. */
  @inline
  leaveGradient(group: i32): void {
    const bytes = <usize>this.units * VALUE;
    const hiddenGradient = this.hiddenGradient + this.at(0, group, this.units);
    const mask = this.recurrentMask ? this.recurrentMask + this.at(0, group, this.units) : 0;
    for (let i: usize = 0; i < bytes; i += VECTOR) {
      let back = v128.load(this.previousGradient + i);
      if (mask) back = mul(back, v128.load(mask + i));
      const to = hiddenGradient + i;
      v128.store(to, withoutTraces(add(v128.load(to), back), GRADIENT_GRAIN));
    }
  }
}
