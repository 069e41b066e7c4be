import { wasmEngineOf } from '../../../src/training/engines/wasm/engine.ts';
import { availableBuilds } from '../../../src/training/engines/wasm/kernels.ts';
import { describeEngine } from '../../contract/engine.ts';

for (const build of availableBuilds()) describeEngine({ provider: wasmEngineOf(build), cases: 400 });
