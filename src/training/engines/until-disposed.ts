import { fail } from '../../core/errors.ts';
import type { Engine } from '../engine.ts';

/** The same engine, which refuses everything from `dispose()` on with DISPOSED. */
export function untilDisposed(engine: Engine): Engine {
  let disposed: Promise<void> | undefined;
  function guarded<Given extends readonly unknown[], Result>(call: (...given: Given) => Promise<Result>) {
    return async (...given: Given): Promise<Result> => {
      if (disposed) fail('DISPOSED', `engine ${engine.name} was used after dispose()`, 'Prepare a new one.');
      return call(...given);
    };
  }
  return {
    ...engine,
    step: guarded(engine.step),
    evaluate: guarded(engine.evaluate),
    state: guarded(engine.state),
    restore: guarded(engine.restore),
    dispose: () => {
      disposed ??= engine.dispose();
      return disposed;
    },
  };
}
