import { readMetadata } from '../../models/metadata/metadata.ts';
import { loadClassifier } from '../../runtime/predict/classifier.ts';
import { type EvaluateOptions, type EvaluationReport, evaluateWith, type LabelledTexts } from '../training/evaluate.ts';

/** Evaluates the bytes of an ONNX file with onnxruntime. */
export async function evaluateOnnx(
  bytes: Uint8Array,
  data: LabelledTexts,
  options: EvaluateOptions,
): Promise<EvaluationReport & { readonly runner: string }> {
  const classifier = await loadClassifier(bytes);
  try {
    const report = await evaluateWith(classifier.predictIds, readMetadata(bytes), data, options);
    return { ...report, runner: `onnxruntime (${classifier.providers.join(', ')})` };
  } finally {
    await classifier.dispose();
  }
}
