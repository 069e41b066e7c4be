import { it } from 'vitest';
import { onnxruntimeEngine } from '../../../src/training/engines/onnxruntime/engine.ts';
import { describeEngine } from '../../contract/engine.ts';
import { keepsNoTraces } from '../../contract/keeps-no-traces.ts';

describeEngine({ provider: onnxruntimeEngine, cases: 40 });
describeEngine({ provider: onnxruntimeEngine, threads: 2, cases: 15 });
it('keeps no traces of gradients that have faded in moments', () => keepsNoTraces(onnxruntimeEngine));
