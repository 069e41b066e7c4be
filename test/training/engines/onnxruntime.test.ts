import { onnxruntimeEngine } from '../../../src/training/engines/onnxruntime/engine.ts';
import { describeEngine } from '../../contract/engine.ts';

describeEngine({ provider: onnxruntimeEngine, cases: 40 });
describeEngine({ provider: onnxruntimeEngine, threads: 2, cases: 15 });
