import { RecurrentError } from '../../core/errors.ts';
import { loadTensorflow } from '../../training/engines/tensorflow/backend.ts';
import { createForward } from '../../training/engines/tensorflow/forward.ts';
import { describeCudnn } from '../../training/engines/tensorflow/layers/cudnn-verdicts.ts';
import type { Runner } from '../runner.ts';
import { createSession } from '../session.ts';

/** A `tf.LayersModel` of the project's own layers, on the best TensorFlow.js backend that is installed. */
export const tensorflowRunner: Runner = {
  name: 'tensorflow',
  async refusal() {
    try {
      await loadTensorflow();
      return undefined;
    } catch (error) {
      if (error instanceof RecurrentError && error.code === 'ENGINE_MISSING') return `${error.message}. ${error.hint}`;
      throw error;
    }
  },
  async open(subject) {
    const { tf, description } = await loadTensorflow();
    const { run, dispose } = createForward(tf, subject.model);
    const onCudnn = describeCudnn(tf, subject.model.spec);
    const said = onCudnn === undefined ? description : `${description}; ${onCudnn}`;
    return createSession(subject, { description: said, run, close: async () => dispose() });
  },
};
