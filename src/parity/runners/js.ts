import { jsEngine } from '../../training/engines/js/engine.ts';
import { sgd } from '../../training/optimisers.ts';
import type { Runner } from '../runner.ts';
import { createSession } from '../session.ts';

/** The `js` training engine, as it evaluates between epochs. */
export const jsRunner: Runner = {
  name: 'js',
  refusal: ({ model }) => jsEngine.refusal(model.spec),
  async open(subject) {
    const { spec, weights } = subject.model;
    const engine = await jsEngine.prepare({ spec, weights, optimiser: sgd, threads: 1 });
    return createSession(subject, {
      description: 'js training engine',
      // The loss is not asked for, so any class will do as the target.
      run: (ids, rows, time) => engine.evaluate({ ids, rows, time, targets: new Int32Array(rows) }),
      close: () => engine.dispose(),
    });
  },
};
