/**
 * The product of a sequence with a layer's kernel, for all steps at once, outside the recurrence: sums = x·W + b.
 *
 * Of an embedding it depends on the id alone, so it is computed once for each *different* id of the batch and then
 * gathered: real text repeats its words. On the way back the gradients of the sums are added up by id first, and the
 * two products with them are as small. Even where every id is different this costs no more than one gather.
 */
import type { Address } from './kernels.ts';
import type { DenseSequence, EmbeddedSequence, OneHotSequence, Sequence } from './signal.ts';
import { valueBytes, type Workspace } from './workspace.ts';

export interface Projection {
  /** Writes the sums of every position. */
  readonly forward: () => void;
  /** Takes their gradients, which have taken their place, back to kernel, bias and sequence. */
  readonly backward: () => void;
}

/** Where a projection finds its parameters, [features, width] and [width]. */
export interface Affine {
  readonly kernel: Address;
  readonly kernelGradient: Address;
  /** 0: none. */
  readonly bias: Address;
  readonly biasGradient: Address;
}

/** @param sums [time][group][width] */
export function project(
  workspace: Workspace,
  sequence: Sequence,
  affine: Affine,
  sums: Address,
  width: number,
): Projection {
  switch (sequence.kind) {
    case 'dense':
      return projectDense(workspace, sequence, affine, sums, width);
    case 'embedded':
      return projectEmbedded(workspace, sequence, affine, sums, width);
    case 'oneHot':
      return projectOneHot(workspace, sequence, affine, sums, width);
  }
}

function projectDense(
  workspace: Workspace,
  { features, value, gradient }: DenseSequence,
  { kernel, kernelGradient, bias, biasGradient }: Affine,
  sums: Address,
  width: number,
): Projection {
  const { kernels, positions } = workspace;
  const packed = workspace.reserve(features * width);
  const scratch = workspace.outerScratch(features);
  return {
    forward: () => {
      kernels.pack(packed, kernel, features, width, width, 1);
      kernels.broadcast(sums, bias, width, positions);
      kernels.addProducts(sums, value, packed, features, width, positions);
    },
    backward: () => {
      kernels.addOuter(kernelGradient, value, sums, features, width, positions, width, width, scratch);
      if (bias) kernels.addColumnSums(biasGradient, sums, width, positions);
      kernels.pack(packed, kernel, width, features, 1, width);
      kernels.addProducts(gradient, sums, packed, width, features, positions);
    },
  };
}

function projectEmbedded(
  workspace: Workspace,
  { features, table, tableGradient }: EmbeddedSequence,
  { kernel, kernelGradient, bias, biasGradient }: Affine,
  sums: Address,
  width: number,
): Projection {
  const { kernels, positions, batch, pass } = workspace;
  const packed = workspace.reserve(features * width);
  const unique = workspace.values(features, batch.maxUniqueGroups); // rows of the table
  const scratch = workspace.outerScratch(features);
  const uniqueGradient = workspace.values(features, batch.maxUniqueGroups);
  const projected = workspace.values(width, batch.maxUniqueGroups);
  const rows = workspace.values(width, batch.maxUniqueGroups); // the same as rows of a table, [unique, width]
  return {
    forward: () => {
      const { uniqueGroups } = pass;
      kernels.pack(packed, kernel, features, width, width, 1);
      kernels.gather(unique, table, batch.uniqueIds, 0, 0, features, uniqueGroups);
      kernels.broadcast(projected, bias, width, uniqueGroups);
      kernels.addProducts(projected, unique, packed, features, width, uniqueGroups);
      kernels.fill(rows, 0, valueBytes(width) * uniqueGroups);
      kernels.scatterAdd(rows, projected, batch.count, 0, width, uniqueGroups);
      kernels.gather(sums, rows, batch.uniqueOf, 0, 0, width, positions);
    },
    backward: () => {
      const { uniqueGroups } = pass;
      kernels.fill(rows, 0, valueBytes(width) * uniqueGroups);
      kernels.scatterAdd(rows, sums, batch.uniqueOf, 0, width, positions);
      kernels.gather(projected, rows, batch.count, 0, 0, width, uniqueGroups);
      kernels.addOuter(kernelGradient, unique, projected, features, width, uniqueGroups, width, width, scratch);
      if (bias) kernels.addColumnSums(biasGradient, projected, width, uniqueGroups);
      kernels.pack(packed, kernel, width, features, 1, width);
      kernels.fill(uniqueGradient, 0, valueBytes(features) * uniqueGroups);
      kernels.addProducts(uniqueGradient, projected, packed, width, features, uniqueGroups);
      kernels.scatterAdd(tableGradient, uniqueGradient, batch.uniqueIds, 0, features, uniqueGroups);
    },
  };
}

function projectOneHot(
  { kernels, positions, batch }: Workspace,
  { scale }: OneHotSequence,
  { kernel, kernelGradient, bias, biasGradient }: Affine,
  sums: Address,
  width: number,
): Projection {
  return {
    forward: () => kernels.gather(sums, kernel, batch.ids, scale, bias, width, positions),
    backward: () => {
      kernels.scatterAdd(kernelGradient, sums, batch.ids, scale, width, positions);
      if (bias) kernels.addColumnSums(biasGradient, sums, width, positions);
    },
  };
}
