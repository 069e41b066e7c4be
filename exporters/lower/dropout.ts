import type { Lowering } from './lowering.ts';

/** Dropout acts in training only. */
export const lowerDropout: Lowering<'dropout'> = ({ input }) => input;
