import { loadPlainTensorflow } from '../../../../src/training/engines/tensorflow/backend.ts';
import { createTensorflowProvider } from '../../../../src/training/engines/tensorflow/engine.ts';
import { describeEngine } from '../../../contract/engine.ts';
import { describeDropIn } from './describe-drop-in.ts';
import { describeDropInModels } from './describe-drop-in-models.ts';
import { describeTraining } from './describe-training.ts';

const provider = createTensorflowProvider(loadPlainTensorflow, () => 1);

describeEngine({ provider, cases: 40 });
describeTraining({ provider, load: loadPlainTensorflow, threads: 1 });
describeDropIn(loadPlainTensorflow);
describeDropInModels(loadPlainTensorflow);
