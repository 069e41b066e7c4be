import type { Command } from 'commander';
import { producer } from '../../models/metadata/producer.ts';
import { defineGroup } from './command.ts';
import { bench } from './commands/bench.ts';
import { chapter } from './commands/chapter.ts';
import { data } from './commands/data.ts';
import { demo } from './commands/demo.ts';
import { deploy } from './commands/deploy.ts';
import { doctor } from './commands/doctor.ts';
import { evaluate } from './commands/evaluate.ts';
import { exportCommand } from './commands/export.ts';
import { importCommand } from './commands/import.ts';
import { inspect } from './commands/inspect.ts';
import { models } from './commands/models.ts';
import { parity } from './commands/parity.ts';
import { plot } from './commands/plot.ts';
import { predict } from './commands/predict.ts';
import { serve } from './commands/serve.ts';
import { setup } from './commands/setup.ts';
import { train } from './commands/train.ts';

/** The whole command line. */
export function createProgram(): Command {
  return defineGroup(
    'recurrent',
    'Train a recurrent text classifier, export it to one ONNX file, run it anywhere, prove the numbers equal.',
    demo(),
    chapter(),
    train(),
    evaluate(),
    plot(),
    importCommand(),
    exportCommand(),
    deploy(),
    predict(),
    serve(),
    parity(),
    inspect(),
    models(),
    data(),
    bench(),
    doctor(),
    setup(),
  ).version(producer.version, '-V, --version', 'print the version');
}
