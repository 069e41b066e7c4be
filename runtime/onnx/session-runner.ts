import type { ModelPlan } from '../../models/plan.ts';
import { fail } from '../../src/core/errors.ts';
import type { BatchRunner } from '../batching/runner.ts';
import type { GuardedSession, SessionTensor } from './guard.ts';

/** Runs batches through a session of this process, which it takes over: released at once where it does not fit. @throws ONNX_INVALID */
export async function createSessionRunner(session: GuardedSession, plan: ModelPlan): Promise<BatchRunner> {
  const { outputs } = plan.head;
  try {
    checkPorts(session, outputs);
  } catch (error) {
    await session.release();
    throw error;
  }
  return {
    concurrency: 1, // onnxruntime holds this thread while it runs
    async run({ ids, rows, time }) {
      const results = await session.run({ ids: { dataType: 'int32', dims: [rows, time], data: ids } });
      return {
        logits: outputOf(results, 'logits', rows * outputs),
        probabilities: outputOf(results, 'probabilities', rows * outputs),
      };
    },
    close: () => session.release(),
  };
}

/** The file is to have the input and outputs that `exportOnnx` writes. @throws ONNX_INVALID */
function checkPorts({ inputs, outputs }: GuardedSession, columns: number): void {
  const given = [...inputs, ...outputs].map(({ name, dataType, shape }) => {
    return `${name} ${dataType} [${shape.map((size) => (typeof size === 'string' ? '…' : size)).join(', ')}]`;
  });
  const expected = ['ids int32 […, …]', `logits float32 […, ${columns}]`, `probabilities float32 […, ${columns}]`];
  if (given.join('; ') !== expected.join('; ')) {
    fail(
      'ONNX_INVALID',
      `the ONNX file has ${given.join('; ')}, where its metadata promise ${expected.join('; ')}`,
      'Export the model again.',
    );
  }
}

function outputOf(results: Readonly<Record<string, SessionTensor>>, name: string, size: number): Float32Array {
  const data = results[name]?.data;
  if (data instanceof Float32Array && data.length === size) return data;
  return fail('RUNTIME_FAILED', `output ${name} does not have ${size} values`, 'Export the model again.');
}
