import { metadataProps } from '../models/metadata/metadata.ts';
import { producer } from '../models/metadata/producer.ts';
import type { TrainedModel } from '../models/model.ts';
import { planModel } from '../models/plan.ts';
import { checkWeights } from '../models/weights.ts';
import { checkOptionNames } from '../src/core/option-names.ts';
import { checkGraph } from './graph/check.ts';
import type { ModelGraph } from './graph/graph.ts';
import { defaultOpset, irVersionOf } from './graph/opsets.ts';
import { lowerModel } from './lower/model.ts';
import { checkStates } from './lower/states.ts';
import { encodeOnnx } from './onnx/encode.ts';

/** How a model is exported. */
export interface ExportOptions {
  /** Version of the ONNX operator set, 14 to 22. Default: 17. */
  readonly opset?: number;
  /**
   * Initial and final states of the recurrent layers become inputs `initial/…` and outputs `final/…`, float32
   * [batch, units], so that a text can be read in pieces. Default: false.
   */
  readonly states?: boolean;
}

/**
 * Writes a trained model as one ONNX file: `ids` int32 [batch, time] → `logits` and `probabilities` float32
 * [batch, outputs], with everything in its metadata that is needed to classify raw text. The same model gives the
 * same bytes.
 *
 * @throws OPTION_UNKNOWN; OPTION_UNSUPPORTED when the opset cannot be written; WEIGHTS_INVALID, SPEC_INVALID, METADATA_INVALID when the
 * parts of the model do not fit together; LAYER_UNSUPPORTED when the weights are too large for one file, or a layer cannot carry
 * states from piece to piece
 */
export function exportOnnx(model: TrainedModel, options: ExportOptions = {}): Uint8Array {
  return encodeOnnx(buildGraph(model, options));
}

/** The same model as a graph that the structural checker has passed. */
export function buildGraph(model: TrainedModel, options: ExportOptions = {}): ModelGraph {
  checkOptionNames('exportOnnx', options, ['opset', 'states']);
  const { opset = defaultOpset, states = false } = options;
  irVersionOf(opset);
  const plan = planModel(model.spec);
  checkWeights(model.weights, plan.parameters);
  if (states) checkStates(plan, model.preprocessing);
  const graph: ModelGraph = {
    ...lowerModel(model.spec, model.weights, { opset, states }),
    opset,
    producer,
    metadata: metadataProps(model),
  };
  checkGraph(graph);
  return graph;
}
