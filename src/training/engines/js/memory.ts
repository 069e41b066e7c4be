/**
 * What a step of the `js` engine allocates, layer by layer: every pass makes its arrays anew, values and gradients
 * side by side, and lets them go at its end. Counted as if nothing were freed before, and all ids differed.
 */
import type { BidirectionalLayer, RecurrentLayer } from '../../../../models/layers.ts';
import { gates, type LayerPlan, planModel, type Shape } from '../../../../models/plan.ts';
import type { EngineLoad, MemoryPart } from '../../engine.ts';
import { parameterMemory } from '../../memory.ts';

const bytesPerValue = 4;
/** Of a Set and a Map of the different ids. */
const bytesPerLookedUpId = 96;

export function jsMemory(load: EngineLoad): readonly MemoryPart[] {
  const { layers, vocabularySize } = planModel(load.spec);
  const { rows, time } = load;
  const sizes: Sizes = { rows, time, positions: rows * time, unique: Math.min(vocabularySize, rows * time) };
  const values = layers.reduce((sum, layer, index) => sum + valuesOf(layer, formOf(layers, index), sizes), 0);
  // Ids and masks by time, and where each id's row lies.
  const bytes = bytesPerValue * (values + 3 * sizes.positions) + bytesPerLookedUpId * sizes.unique;
  return [parameterMemory(load), { what: 'values and gradients of a step', bytes }];
}

interface Sizes {
  readonly rows: number;
  readonly time: number;
  /** rows · time */
  readonly positions: number;
  /** Most different ids of a batch. */
  readonly unique: number;
}

/** How a layer's input lies: looked up in a table, in a kernel, or written out. */
type Form = 'embedded' | 'oneHot' | 'dense';

function formOf(layers: readonly LayerPlan[], index: number): Form {
  const below = layers[index - 1]?.layer.type;
  return below === 'embedding' ? 'embedded' : below === 'oneHot' ? 'oneHot' : 'dense';
}

/** Floats that a layer allocates, forward and backward. */
function valuesOf({ layer, input, output }: LayerPlan, form: Form, sizes: Sizes): number {
  const features = input.kind === 'ids' ? 0 : input.features;
  const out = 2 * countOf(output, sizes);
  const writtenOut = form === 'dense' ? 0 : 2 * sizes.positions * features;
  switch (layer.type) {
    case 'embedding':
      return 2 * sizes.unique * layer.outputDim;
    case 'oneHot':
      return 0;
    case 'simpleRnn':
    case 'lstm':
    case 'gru':
      return out + recurrentValues(layer, features, form, sizes);
    case 'bidirectional':
      return out + bidirectionalValues(layer, features, form, sizes);
    case 'pooling':
      return out + writtenOut + sizes.rows * (features + 1);
    case 'dropout':
      return out + (input.kind === 'sequence' ? writtenOut + out : out / 2);
    case 'dense':
      return 2 * out; // the sums before an activation too; of the last layer, the probabilities
  }
}

function bidirectionalValues({ layer }: BidirectionalLayer, features: number, form: Form, sizes: Sizes): number {
  const steps = layer.returnSequences ? sizes.positions : sizes.rows;
  return 2 * (recurrentValues(layer, features, form, sizes) + 2 * steps * layer.units);
}

/** All but the output. */
function recurrentValues(layer: RecurrentLayer, features: number, form: Form, sizes: Sizes): number {
  const { rows, time, positions, unique } = sizes;
  const { units } = layer;
  const width = gates[layer.type] * units;
  const dropped = layer.dropout > 0 && form !== 'oneHot';
  const inputs =
    layer.dropout === 0
      ? 0
      : rows * features + (dropped ? (form === 'dense' ? 2 : 4) * positions * features : positions);
  const projected = dropped || form === 'dense' ? positions * width : form === 'embedded' ? 2 * unique * width : 0;
  const states = layer.type === 'lstm' ? 2 : 1;
  const walked = states * (time + 3) * rows * units + positions * units + 2 * rows * units;
  return inputs + projected + walked + cellValues(layer, sizes);
}

function cellValues(layer: RecurrentLayer, { rows, positions }: Sizes): number {
  const { units } = layer;
  switch (layer.type) {
    case 'simpleRnn':
      return positions * units;
    case 'lstm':
      return positions * 5 * units;
    case 'gru':
      return layer.resetAfter ? positions * 6 * units : positions * 7 * units + 4 * rows * units + 6 * units * units;
  }
}

function countOf(shape: Shape, { rows, positions }: Sizes): number {
  switch (shape.kind) {
    case 'ids':
      return 0;
    case 'sequence':
      return positions * shape.features;
    case 'vector':
      return rows * shape.features;
  }
}
