/** A table of the layers as Keras prints it: kind, output shape, parameters. */
import { formatCount } from '../src/core/format-numbers.ts';
import type { Layer } from './layers.ts';
import { countParameters, type ModelPlan, type Shape } from './plan.ts';

/** Keras' class names. */
const kerasNames = {
  embedding: 'Embedding',
  oneHot: 'OneHot',
  simpleRnn: 'SimpleRNN',
  lstm: 'LSTM',
  gru: 'GRU',
  dense: 'Dense',
  dropout: 'Dropout',
  bidirectional: 'Bidirectional',
  pooling: 'Pooling',
} as const satisfies Record<Layer['type'], string>;

/** A line of the table. */
export interface LayerSummary {
  /** e.g. `lstm (LSTM)` */
  readonly layer: string;
  /** e.g. `(None, 100, 16)` */
  readonly shape: string;
  readonly parameters: number;
}

/** @param time steps of a padded text, printed in the shapes; left out: `None` */
export function layerSummaries(plan: ModelPlan, { time }: { readonly time?: number } = {}): LayerSummary[] {
  return plan.layers.map((layerPlan) => ({
    layer: `${layerPlan.layer.name} (${kerasNames[layerPlan.layer.type]})`,
    shape: formatShape(layerPlan.output, time),
    parameters: countParameters(layerPlan),
  }));
}

/**
 * The layers of a model with their output shapes and parameters, as Keras prints them.
 *
 * @param options as those of `layerSummaries`
 * @returns lines separated by newlines, without a trailing one
 */
export function summary(plan: ModelPlan, options: { readonly time?: number } = {}): string {
  const rows = layerSummaries(plan, options).map(({ layer, shape, parameters }) => [
    layer,
    shape,
    formatCount(parameters),
  ]);
  const head = ['Layer (type)', 'Output Shape', 'Param #'];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]) =>
    ` ${cells.map((cell, column) => (column === 2 ? cell.padStart(widths[2] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('   ')}`;
  const width = widths.reduce((sum, part) => sum + part, 0) + 8;
  const parameters = countParameters(plan);
  return [
    `Model: "${plan.spec.name}"`,
    '─'.repeat(width),
    line(head),
    '═'.repeat(width),
    ...rows.map(line),
    '─'.repeat(width),
    `Total params: ${formatCount(parameters)} (${kerasBytes(4 * parameters)})`,
  ].join('\n');
}

function formatShape(shape: Shape, time: number | undefined): string {
  const steps = time ?? 'None';
  if (shape.kind === 'ids') return `(None, ${steps})`;
  return shape.kind === 'sequence' ? `(None, ${steps}, ${shape.features})` : `(None, ${shape.features})`;
}

/** Powers of 1024 under the names of powers of 1000. */
function kerasBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const inKiB = bytes / 1024;
  return inKiB < 1024 ? `${inKiB.toFixed(2)} KB` : `${(inKiB / 1024).toFixed(2)} MB`;
}
