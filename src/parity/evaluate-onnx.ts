import { readMetadata } from '../../models/metadata/metadata.ts';
import type { SessionOptions } from '../../runtime/onnx/session-options.ts';
import { loadClassifier } from '../../runtime/predict/classifier.ts';
import { type EvaluateOptions, type EvaluationReport, evaluateWith, type LabelledTexts } from '../training/evaluate.ts';

export interface OnnxEvaluation extends EvaluationReport {
  readonly runner: string;
  /** Of recurrent nodes that do not run on the first provider. */
  readonly warnings: readonly string[];
}

/** Evaluates the bytes of an ONNX file with onnxruntime. */
export async function evaluateOnnx(
  bytes: Uint8Array,
  data: LabelledTexts,
  options: EvaluateOptions,
  session: SessionOptions = {},
): Promise<OnnxEvaluation> {
  const classifier = await loadClassifier(bytes, session);
  try {
    const report = await evaluateWith(classifier.predictIds, readMetadata(bytes), data, options);
    const { providers, warnings } = classifier;
    return { ...report, runner: `onnxruntime (${providers.join(', ')})`, warnings };
  } finally {
    await classifier.dispose();
  }
}
