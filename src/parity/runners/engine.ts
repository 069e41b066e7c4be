import type { EngineProvider } from '../../training/engine.ts';
import { sgd } from '../../training/optimisers.ts';
import type { Runner, RunnerName } from '../runner.ts';
import { createSession } from '../session.ts';

/** A training engine, as it evaluates between epochs. */
export function engineRunner(name: RunnerName, provider: EngineProvider): Runner {
  return {
    name,
    refusal: ({ model }) => provider.refusal(model.spec),
    async open(subject) {
      const { spec, weights } = subject.model;
      const engine = await provider.prepare({ spec, weights, optimiser: sgd, threads: 1 });
      return createSession(subject, {
        description: `training engine ${name}`,
        // The loss is not asked for, so any class will do as the target.
        run: (ids, rows, time) => engine.evaluate({ ids, rows, time, targets: new Int32Array(rows) }),
        close: () => engine.dispose(),
      });
    },
  };
}
