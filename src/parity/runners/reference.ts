import { referenceForward } from '../../reference/reference.ts';
import type { Runner } from '../runner.ts';
import { createSession } from '../session.ts';

/** Plain float64 TypeScript, written from the equations: the norm. */
export const referenceRunner: Runner = {
  name: 'reference',
  refusal: async () => undefined,
  open: async (subject) =>
    createSession(subject, {
      description: 'float64 reference',
      run: async (ids, rows, time) => referenceForward(subject.model, ids, rows, time),
      close: async () => {},
    }),
};
