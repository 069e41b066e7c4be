import type { Lowering } from './lowering.ts';

/** ids [time, batch] → [time, batch, depth], made at run time: the file stores no matrix. */
export const lowerOneHot: Lowering<'oneHot'> = ({ g, layer, input }) => ({
  ...input,
  value: g.node('OneHot', [input.value, g.int32(layer.depth), g.float32([0, 1])], { axis: -1 }),
});
