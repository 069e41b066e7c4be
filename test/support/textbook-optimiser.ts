/** The optimisers as their authors and manuals write them, in float64: the oracle of the engines'. */
import type { OptimiserOptions } from '../../src/training/optimisers.ts';

export interface Optimised {
  readonly weight: Float64Array;
  /** Adam: m and v. RMSprop: v. SGD with momentum: velocity. */
  readonly moments: readonly Float64Array[];
}

/** @param step updates done including this one */
export function textbookUpdate(
  options: OptimiserOptions,
  rate: number,
  step: number,
  { weight, moments }: Optimised,
  gradient: ArrayLike<number>,
): Optimised {
  const g = Float64Array.from(gradient);
  if (options.type === 'sgd') {
    const { momentum, nesterov } = options;
    if (momentum === 0) return { weight: weight.map((w, i) => w - rate * (g[i] ?? 0)), moments: [] };
    const velocity = g.map((each, i) => momentum * (moments[0]?.[i] ?? 0) - rate * each);
    const move = nesterov ? velocity.map((v, i) => momentum * v - rate * (g[i] ?? 0)) : velocity;
    return { weight: weight.map((w, i) => w + (move[i] ?? 0)), moments: [velocity] };
  }
  if (options.type === 'rmsprop') {
    const v = g.map((each, i) => options.rho * (moments[0]?.[i] ?? 0) + (1 - options.rho) * each ** 2);
    return {
      weight: weight.map((w, i) => w - (rate * (g[i] ?? 0)) / Math.sqrt((v[i] ?? 0) + options.epsilon)),
      moments: [v],
    };
  }
  const { beta1, beta2, epsilon } = options;
  const m = g.map((each, i) => beta1 * (moments[0]?.[i] ?? 0) + (1 - beta1) * each);
  const v = g.map((each, i) => beta2 * (moments[1]?.[i] ?? 0) + (1 - beta2) * each ** 2);
  const [c1, c2] = [1 - beta1 ** step, 1 - beta2 ** step];
  const move =
    options.type === 'adam-pytorch'
      ? // Kingma and Ba, "Adam", Algorithm 1
        m.map((each, i) => (rate * (each / c1)) / (Math.sqrt((v[i] ?? 0) / c2) + epsilon))
      : // the same, end of section 2, with ε̂: what Keras computes
        m.map((each, i) => (((rate * Math.sqrt(c2)) / c1) * each) / (Math.sqrt(v[i] ?? 0) + epsilon));
  return { weight: weight.map((w, i) => w - (move[i] ?? 0)), moments: [m, v] };
}
