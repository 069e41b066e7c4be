/** All that can be timed here, and why the rest cannot. */
import { ortVersion } from '../../../runtime/onnx/ort.ts';
import { RecurrentError } from '../../core/errors.ts';
import { jsEngine } from '../../training/engines/js/engine.ts';
import { onnxruntimeEngine } from '../../training/engines/onnxruntime/engine.ts';
import { loadNativeTensorflow } from '../../training/engines/tensorflow/backend.ts';
import { tensorflowEngine } from '../../training/engines/tensorflow/engine.ts';
import { wasmEngine } from '../../training/engines/wasm/engine.ts';
import { availableBuilds } from '../../training/engines/wasm/kernels.ts';
import type { Absence, Contender, ContenderName } from './contender.ts';
import { engineContender } from './contenders/engine.ts';
import { startPeer } from './contenders/peer.ts';
import { tensorflowContender } from './contenders/tensorflow.ts';

const start = {
  wasm: async (threads) => engineContender(wasmEngine, 'wasm', threads, `SIMD, ${availableBuilds()[0] ?? 'none'}`),
  onnxruntime: async (threads) =>
    engineContender(onnxruntimeEngine, 'onnxruntime', threads, `onnxruntime ${await ortVersion()}`),
  tensorflow: startTensorflow,
  js: async (threads) => engineContender(jsEngine, 'js', threads, `Node ${process.versions.node}`),
  'tfjs-cpu': (threads) => tensorflowContender('tfjs-cpu', threads),
  'tfjs-node': (threads) => tensorflowContender('tfjs-node', threads),
  pytorch: (threads) => startPeer('pytorch', threads),
  keras: (threads) => startPeer('keras', threads),
  'keras-xla': (threads) => startPeer('keras-xla', threads),
} as const satisfies Record<ContenderName, (threads: number) => Promise<Contender | string>>;

export interface Arrivals {
  readonly contenders: readonly Contender[];
  readonly absences: readonly Absence[];
}

/** Starts `names` with each number of threads. The caller closes the contenders. */
export async function startContenders(names: readonly ContenderName[], threads: readonly number[]): Promise<Arrivals> {
  const contenders: Contender[] = [];
  const absences: Absence[] = [];
  for (const contender of names) {
    for (const count of threads) {
      const started = await start[contender](count);
      if (typeof started === 'string') absences.push({ contender, threads: count, reason: started });
      else contenders.push(started);
    }
  }
  return { contenders, absences };
}

/** Its library is asked before threads are: where there is none, no number of threads would do. */
async function startTensorflow(threads: number): Promise<Contender | string> {
  try {
    const { description } = await loadNativeTensorflow();
    return engineContender(tensorflowEngine, 'tensorflow', threads, description);
  } catch (error) {
    if (error instanceof RecurrentError && error.code === 'ENGINE_MISSING') return `${error.message}. ${error.hint}`;
    throw error;
  }
}
