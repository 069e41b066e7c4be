import { expect } from 'vitest';
import { parseSpec } from '../../models/spec.ts';
import type { EngineProvider } from '../../src/training/engine.ts';
import { adam } from '../../src/training/optimisers.ts';
import { randomWeights } from '../support/arbitrary-spec.ts';

/** After a step of 600 different ids, of which the first hardly move the loss, no moment is a subnormal number. */
export async function keepsNoTraces(provider: EngineProvider): Promise<void> {
  const spec = parseSpec({
    version: 1,
    name: 'traces',
    layers: [
      { type: 'embedding', inputDim: 600, outputDim: 4 },
      { type: 'lstm', units: 4 },
      { type: 'dense', units: 1 },
    ],
  });
  const engine = await provider.prepare({ spec, weights: randomWeights(spec, 2), optimiser: adam, threads: 1 });
  const ids = Int32Array.from({ length: 600 }, (_, i) => i);
  await engine.step({ rows: 1, time: 600, ids, targets: Int32Array.of(1) }, { seed: 0, epoch: 0, step: 0 }, 1e-3);
  const { optimiser } = await engine.state();
  await engine.dispose();
  for (const [kind, byName] of optimiser.moments) {
    for (const [name, data] of byName) {
      const traces = data.filter((x) => x !== 0 && Math.abs(x) < 2 ** -126);
      expect(traces, `${kind} of ${name}`).toHaveLength(0);
    }
  }
}
