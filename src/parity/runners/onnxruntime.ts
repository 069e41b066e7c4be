import type { SessionOptions } from '../../../runtime/onnx/session-options.ts';
import { loadClassifier } from '../../../runtime/predict/classifier.ts';
import type { Runner } from '../runner.ts';
import { createSession } from '../session.ts';

/** The exported file, through the same classifier that serves predictions, on the providers of `session`. */
export function onnxruntimeRunner(session: SessionOptions = {}): Runner {
  return {
    name: 'onnxruntime',
    /** A provider that was named can be missing; the CPU and `auto` never are. */
    async refusal({ onnx }) {
      if (session.providers === undefined || session.providers === 'auto' || session.providers === 'cpu')
        return undefined;
      try {
        await (await loadClassifier(onnx, session)).dispose();
        return undefined;
      } catch (error) {
        return (error as Error).message;
      }
    },
    async open(subject) {
      const classifier = await loadClassifier(subject.onnx, session);
      return createSession(subject, {
        description: `onnxruntime (${classifier.providers.join(', ')})`,
        run: classifier.predictIds,
        close: classifier.dispose,
      });
    },
  };
}
