import { loadPlainTensorflow } from '../../../../src/training/engines/tensorflow/backend.ts';
import { createTensorflowProvider } from '../../../../src/training/engines/tensorflow/engine.ts';
import { describeEngine } from '../../../contract/engine.ts';

describeEngine({ provider: createTensorflowProvider(loadPlainTensorflow), cases: 40 });
