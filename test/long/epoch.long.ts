/** Every engine through an epoch of the chapter; prints how near it stayed to Keras and PyTorch. */
import { afterAll } from 'vitest';
import { jsEngine } from '../../src/training/engines/js/engine.ts';
import { onnxruntimeEngine } from '../../src/training/engines/onnxruntime/engine.ts';
import { tensorflowEngine } from '../../src/training/engines/tensorflow/engine.ts';
import { wasmEngine } from '../../src/training/engines/wasm/engine.ts';
import { describeEpochs } from '../contract/epoch.ts';

const found = describeEpochs([
  { provider: jsEngine, threads: 1 },
  { provider: wasmEngine, threads: 2 },
  { provider: onnxruntimeEngine, threads: 1 },
  { provider: onnxruntimeEngine, threads: 2 },
  { provider: tensorflowEngine, threads: tensorflowEngine.fewestThreads?.() ?? 1 },
]);
afterAll(() => console.table(found));
