import { loadClassifier } from '../../../runtime/predict/classifier.ts';
import type { Runner } from '../runner.ts';
import { createSession } from '../session.ts';

/** The exported file, through the same classifier that serves predictions. */
export const onnxruntimeRunner: Runner = {
  name: 'onnxruntime',
  refusal: async () => undefined,
  async open(subject) {
    const classifier = await loadClassifier(subject.onnx);
    return createSession(subject, {
      description: `onnxruntime (${classifier.providers.join(', ')})`,
      run: classifier.predictIds,
      close: classifier.dispose,
    });
  },
};
