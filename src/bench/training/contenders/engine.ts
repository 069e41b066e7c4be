/** The product's own engines as contenders. */
import { copyWeights, type Weights } from '../../../../models/weights.ts';
import type { Batch, Engine, EngineProvider } from '../../../training/engine.ts';
import { adam, type OptimiserOptions, sgd } from '../../../training/optimisers.ts';
import type { Contender, ContenderName, OpenContender } from '../contender.ts';
import { firstRows, type Problem } from '../problem.ts';
import { takeTurn } from '../turn.ts';

/**
 * A step of plain SGD moves each weight by its gradient times this. So large that the weight itself, which rounds
 * the sum, does not matter; a power of two, so that the product is exact.
 */
const gradientScale = 2 ** 20;

export function engineContender(
  provider: EngineProvider,
  name: ContenderName,
  threads: number,
  version: string,
): Contender {
  return {
    name,
    threads,
    version,
    ownMasks: false,
    flopsPerSecond: name === 'js' ? 4e8 : Number.POSITIVE_INFINITY,
    async open(problem) {
      const [{ rows }] = problem.batches as [Batch];
      const most = provider.mostThreads(rows);
      if (threads > most) return `engine ${name} uses at most ${most} of ${threads} threads for ${rows} rows`;
      const fewest = provider.fewestThreads?.() ?? 1;
      if (threads < fewest) return `engine ${name} was started with ${fewest} threads, and takes no other number`;
      return (await provider.refusal(problem.spec)) ?? openEngine(provider, problem, threads);
    },
    close: async () => {},
  };
}

async function openEngine(provider: EngineProvider, problem: Problem, threads: number): Promise<OpenContender> {
  const { spec, weights, batches } = problem;
  const prepare = (optimiser: OptimiserOptions) => provider.prepare({ spec, weights, optimiser, threads });
  const step = (engine: Engine, number: number, learningRate: number) =>
    engine.step(
      batches[number % batches.length] as Batch,
      { seed: 0, epoch: 0, step: number % batches.length },
      learningRate,
    );
  let opened: Engine | undefined;
  const trained = async () => {
    opened ??= await prepare(adam);
    return opened;
  };
  return {
    async gradients(rows) {
      const engine = await prepare(sgd);
      try {
        const [first] = batches as [Batch];
        const { loss } = await engine.step(firstRows(first, rows), { seed: 0, epoch: 0, step: 0 }, gradientScale);
        return { loss, gradients: movement(weights, (await engine.state()).weights) };
      } finally {
        await engine.dispose();
      }
    },
    async losses(steps, learningRate) {
      const engine = await trained();
      const losses: number[] = [];
      for (let number = 0; number < steps; number++) losses.push((await step(engine, number, learningRate)).loss);
      return losses;
    },
    async time(milliseconds, learningRate) {
      const engine = await trained();
      return takeTurn(milliseconds, (number) => step(engine, number, learningRate));
    },
    async close() {
      await opened?.dispose();
    },
  };
}

function movement(before: Weights, after: Weights): Map<string, Float32Array> {
  const moved = copyWeights(before);
  for (const [name, { data }] of moved) {
    const end = after.get(name)?.data ?? [];
    data.forEach((value, i) => {
      data[i] = (value - (end[i] as number)) / gradientScale;
    });
  }
  return new Map([...moved].map(([name, { data }]) => [name, data]));
}
