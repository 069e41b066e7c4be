import { planModel } from '../../../models/plan.ts';
import { loadOrtWebForNode } from '../../../runtime/onnx/ort-web.ts';
import { createSessionRunner } from '../../../runtime/onnx/session-runner.ts';
import { openWebSession } from '../../../runtime/onnx/web-session.ts';
import { RecurrentError } from '../../core/errors.ts';
import type { Runner } from '../runner.ts';
import { createSession } from '../session.ts';

/** The exported file as browsers run it: by onnxruntime on WebAssembly, here in Node. */
export const onnxruntimeWebRunner: Runner = {
  name: 'onnxruntime-web',
  async refusal() {
    try {
      await loadOrtWebForNode();
      return undefined;
    } catch (error) {
      if (error instanceof RecurrentError) return `${error.message}. ${error.hint}`;
      throw error;
    }
  },
  async open(subject) {
    const plan = planModel(subject.model.spec);
    const { run, close } = await createSessionRunner(
      await openWebSession(await loadOrtWebForNode(), subject.onnx),
      plan,
    );
    return createSession(subject, {
      description: 'onnxruntime-web (wasm)',
      run: (ids, rows, time) => run({ ids, rows, time }),
      close,
    });
  },
};
