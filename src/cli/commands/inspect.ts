import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { type Command, Option } from 'commander';
import { loadCheckpoint } from '../../../models/checkpoint/checkpoint.ts';
import type { ModelSpec } from '../../../models/layers.ts';
import { readMetadata } from '../../../models/metadata/metadata.ts';
import { parseSpec } from '../../../models/spec.ts';
import { zooModel } from '../../../models/zoo/zoo.ts';
import { fail } from '../../core/errors.ts';
import { readFileWhole } from '../../core/files.ts';
import { runFiles } from '../../training/run-folder.ts';
import { defineCommand, withExamples, withOptions } from '../command.ts';
import { inspectCheckpoint, inspectOnnx, inspectSpec } from '../inspect/files.ts';
import type { Findings } from '../inspect/findings.ts';
import { inspectTraining } from '../inspect/training.ts';
import { readSpec } from '../open/spec.ts';
import type { TerminalOptions } from '../terminal/terminal.ts';

const training = new Option('--training', 'show the graph of one training step, as engine onnxruntime runs it');
const output = new Option('--output <file>', 'with --training: write that graph as an ONNX file');

interface Options extends TerminalOptions {
  readonly training?: boolean;
  readonly output?: string;
}

/** `recurrent inspect`: what a spec, a checkpoint or an ONNX file holds. */
export function inspect(): Command {
  const command = defineCommand(
    'inspect',
    'show what a file holds: spec, summary, parameters, graph, metadata',
    async (terminal, options: Options, file: string) => {
      if (options.output !== undefined) checkOutput(options.output, options.training ?? false);
      const { object, paragraphs } = options.training
        ? await inspectTraining(await specOf(file), options.output)
        : await inspectFile(file);
      terminal.answer({ file, ...object }, paragraphs.join('\n\n'));
    },
  ).argument(
    '<file>',
    'an ONNX file, a run, a checkpoint (.safetensors) or a spec (.json); with --training also a model by name',
  );
  return withExamples(
    withOptions(command, training, output),
    'recurrent inspect runs/spam/model.onnx',
    'recurrent inspect spec.json --json',
    'recurrent inspect lstm --training --output step.onnx',
  );
}

function checkOutput(file: string, isTraining: boolean): void {
  if (!isTraining) fail('OPTION_UNSUPPORTED', '--output writes the graph of --training', 'Give --training too.');
  if (extname(file) !== '.onnx') fail('OPTION_INVALID', `${file} does not end in .onnx`, 'Name an .onnx file.');
}

/** The spec in a file, or that of a known model, for two classes. @throws MODEL_UNKNOWN */
async function specOf(name: string): Promise<ModelSpec> {
  switch (extname(name).toLowerCase()) {
    case '.onnx':
      return readMetadata(await readFileWhole(name)).spec;
    case '.safetensors':
      return (await loadCheckpoint(name)).model.spec;
    case '.json':
      return readSpec(name);
    default: {
      const { build, defaults } = zooModel(name);
      return parseSpec(build({ vocabularySize: defaults.vocabularySize, classes: 2 }));
    }
  }
}

async function inspectFile(file: string): Promise<Findings> {
  switch (extname(file).toLowerCase()) {
    case '.onnx':
      return inspectOnnx(await readFileWhole(file));
    case '.safetensors':
      return inspectCheckpoint(file);
    case '.json':
      return inspectSpec(file);
    default: {
      const { best } = runFiles(file);
      if (existsSync(best)) return inspectCheckpoint(best);
      return fail(
        'OPTION_INVALID',
        `${file} is none of the files that inspect knows`,
        'Name the folder of a run, or an .onnx, .safetensors or .json file.',
      );
    }
  }
}
