import { finalState, initialState } from '../../models/onnx-state-names.ts';
import type { ModelPlan, StateSpec } from '../../models/plan.ts';
import { fail } from '../../src/core/errors.ts';
import type { BatchRunner } from '../batching/runner.ts';
import type { GuardedSession, SessionTensor } from './guard.ts';

/** Runs batches through a session of this process, which it takes over: released at once where it does not fit. @throws ONNX_INVALID */
export async function createSessionRunner(session: GuardedSession, plan: ModelPlan): Promise<BatchRunner> {
  const { outputs } = plan.head;
  const carriesStates = session.inputs.length > 1;
  const names = carriesStates ? plan.states : [];
  try {
    checkPorts(session, outputs, names);
  } catch (error) {
    await session.release();
    throw error;
  }
  return {
    concurrency: 1, // onnxruntime holds this thread while it runs
    carriesStates,
    async run({ ids, rows, time, states }) {
      const initial = names.map(({ name, units }, index) => {
        const data = states?.[index] ?? new Float32Array(rows * units);
        return [initialState(name), { dataType: 'float32', dims: [rows, units], data }] as const;
      });
      const tensor = { dataType: 'int32', dims: [rows, time], data: ids } as const;
      const results = await session.run({ ids: tensor, ...Object.fromEntries(initial) });
      return {
        logits: outputOf(results, 'logits', rows * outputs),
        probabilities: outputOf(results, 'probabilities', rows * outputs),
        ...(states && { states: names.map(({ name, units }) => outputOf(results, finalState(name), rows * units)) }),
      };
    },
    close: () => session.release(),
  };
}

/** The file is to have the inputs and outputs that `exportOnnx` writes. @throws ONNX_INVALID */
function checkPorts({ inputs, outputs }: GuardedSession, columns: number, states: readonly StateSpec[]): void {
  const given = [...inputs, ...outputs].map(({ name, dataType, shape }) => {
    return `${name} ${dataType} [${shape.map((size) => (typeof size === 'string' ? '…' : size)).join(', ')}]`;
  });
  const expected = [
    'ids int32 […, …]',
    ...states.map(({ name, units }) => `${initialState(name)} float32 […, ${units}]`),
    `logits float32 […, ${columns}]`,
    `probabilities float32 […, ${columns}]`,
    ...states.map(({ name, units }) => `${finalState(name)} float32 […, ${units}]`),
  ];
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
