import { wasmEngine } from '../../src/training/engines/wasm/engine.ts';
import { describeEpochs } from '../contract/epoch.ts';

describeEpochs([{ provider: wasmEngine, threads: 1 }]);
