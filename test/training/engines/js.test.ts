import { jsEngine } from '../../../src/training/engines/js/engine.ts';
import { describeEngine } from '../../contract/engine.ts';

describeEngine({ provider: jsEngine, cases: 400 });
