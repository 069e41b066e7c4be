import { type Command, Option } from 'commander';
import { z } from 'zod';
import type { TrainedModel } from '../../../models/model.ts';
import { planModel } from '../../../models/plan.ts';
import { createEncoder } from '../../../models/text/encoder.ts';
import type { SessionOptions } from '../../../runtime/onnx/session-options.ts';
import { loadClassifier } from '../../../runtime/predict/classifier.ts';
import { fail } from '../../core/errors.ts';
import type { Dataset } from '../../data/dataset.ts';
import { runParity } from '../../parity/matrix.ts';
import { assertParity } from '../../parity/report.ts';
import { fileRunners, type RunnerName, runnerNames, type Subject } from '../../parity/runner.ts';
import { onnxruntimeRunner } from '../../parity/runners/onnxruntime.ts';
import { runners as allRunners } from '../../parity/runners.ts';
import { encodeExamples } from '../../training/encoded-set.ts';
import { defineCommand, withExamples, withOptions } from '../command.ts';
import { describeParity } from '../describe/parity.ts';
import { openData } from '../open/data.ts';
import { readOnnx } from '../open/onnx.ts';
import { openTrainedModel } from '../open/trained-model.ts';
import { type DataOptions, dataOptions } from '../options/data.ts';
import { number } from '../options/kinds.ts';
import { namesParser } from '../options/names.ts';
import {
  type ProviderCommandOptions,
  providerOptions,
  refuseProviderOptions,
  sessionOptionsOf,
} from '../options/provider.ts';
import type { TerminalOptions } from '../terminal/terminal.ts';

/** TensorFlow.js' cpu backend takes seconds for what the others do in milliseconds. */
export const defaultSample = 200;

const runners = new Option(
  '--runners <names>',
  `with commas between: ${runnerNames.join(', ')} (default: all)`,
).argParser(namesParser('--runners', runnerNames));
const sample = number('--sample <n>', 'how many of the texts tensorflow sees, which is slow', z.int().min(1)).default(
  defaultSample,
);

const onnx = new Option('--onnx <file>', 'the exported file to prove (default: the run is exported anew)');

interface Options extends TerminalOptions, DataOptions, ProviderCommandOptions {
  readonly onnx?: string;
  readonly runners?: readonly RunnerName[];
  readonly sample: number;
}

/** `recurrent parity`: proof that every way to compute a trained model gives the same labels and numbers. */
export function parity(): Command {
  const command = defineCommand(
    'parity',
    'prove that all runtimes give the same numbers',
    async (terminal, options: Options, run: string) => {
      if (options.onnx !== undefined && !(options.runners ?? fileRunners).some((name) => fileRunners.includes(name))) {
        fail(
          'OPTION_UNSUPPORTED',
          'no runner of --runners runs the file of --onnx',
          `Add ${fileRunners.join(' or ')}.`,
        );
      }
      const model = await openTrainedModel(run);
      const subject: Subject = { model, onnx: await fileOf(model, options.onnx) };
      if (options.runners) await refuseMissing(options.runners, subject);
      const session = await checkProvider(options, subject);
      const data = await openData(terminal, options);
      const report = await runParity({
        subject,
        ...encode(model, data),
        runners: (options.runners ?? runnerNames).map((name) =>
          name === 'onnxruntime' ? onnxruntimeRunner(session) : allRunners[name],
        ),
        samples: { tensorflow: options.sample },
        progress: terminal.progress,
      });
      terminal.answer(report, describeParity(report));
      assertParity(report);
    },
  )
    .usage('[options] <run> --data <source>')
    .argument('<run>', 'folder of a run, or a .safetensors file');
  return withExamples(
    withOptions(command, ...dataOptions, onnx, runners, sample, ...providerOptions),
    'recurrent parity runs/spam --data spam',
    'recurrent parity runs/spam --data spam --onnx model.onnx',
    'recurrent parity runs/spam --data spam --runners reference,onnxruntime --json',
    'recurrent parity runs/spam --data spam --provider cuda --strict-provider',
  );
}

async function fileOf(model: TrainedModel, path: string | undefined): Promise<Uint8Array> {
  if (path !== undefined) return readOnnx(path);
  const { exportOnnx } = await import('../../../exporters/export.ts');
  return exportOnnx(model);
}

/** A provider that was named is not left out in silence. @throws as `loadClassifier`; OPTION_UNSUPPORTED */
async function checkProvider(options: Options, { onnx }: Subject): Promise<SessionOptions> {
  if (options.runners && !options.runners.includes('onnxruntime')) {
    refuseProviderOptions(options, 'onnxruntime is not among --runners', 'Add it there.');
    return {};
  }
  const session = sessionOptionsOf(options);
  await (await loadClassifier(onnx, session)).dispose();
  return session;
}

/** Token ids of the texts as `model` sees them. */
function encode(model: TrainedModel, { examples, recipe }: Pick<Dataset, 'examples' | 'recipe'>) {
  const { vocabularySize } = planModel(model.spec);
  return encodeExamples(createEncoder({ ...model, vocabularySize }), examples, recipe);
}

/** A runner that was asked for by name is not left out in silence. @throws ENGINE_MISSING */
async function refuseMissing(names: readonly RunnerName[], subject: Subject): Promise<void> {
  for (const name of names) {
    const refusal = await allRunners[name].refusal(subject);
    if (refusal !== undefined)
      fail('ENGINE_MISSING', `runner ${name} cannot run here: ${refusal}`, 'Leave it out of --runners.');
  }
}
