import { extname } from 'node:path';
import { type Command, Option } from 'commander';
import { cudaObstacles } from '../../../models/cuda-fit.ts';
import { fail } from '../../core/errors.ts';
import { writeFileAtomically } from '../../core/files.ts';
import { formatBytes } from '../../core/format-bytes.ts';
import { defineCommand, required, withExamples, withOptions } from '../command.ts';
import { cudaFacts } from '../describe/cuda.ts';
import { commandLine } from '../invocation.ts';
import { openTrainedModel } from '../open/trained-model.ts';
import { facts } from '../terminal/table.ts';
import type { TerminalOptions } from '../terminal/terminal.ts';

const out = new Option('--out <file>', 'the ONNX file to write');

const states = new Option('--states', 'initial and final states as inputs and outputs, to read texts in pieces');

interface Options extends TerminalOptions {
  readonly states?: boolean;
  readonly out?: string;
}

/** `recurrent export`: the best model of a run as one ONNX file. */
export function exportCommand(): Command {
  const command = defineCommand(
    'export',
    'write a trained model as one ONNX file',
    async (terminal, options: Options, run: string) => {
      const file = required(options.out, out.flags);
      if (extname(file) !== '.onnx') fail('OPTION_INVALID', `--out ${file} does not end in .onnx`, 'Name it *.onnx.');
      const { exportOnnx } = await import('../../../exporters/export.ts');
      const model = await openTrainedModel(run);
      const bytes = exportOnnx(model, { states: options.states ?? false });
      await writeFileAtomically(file, bytes);
      terminal.answer(
        {
          file,
          bytes: bytes.length,
          model: model.spec.name,
          labels: model.labels,
          cudaObstacles: cudaObstacles(model.spec),
        },
        facts([
          ['written', `${file} (${formatBytes(bytes.length)})`],
          ...cudaFacts(model.spec),
          ['next', commandLine('predict', file, 'your text')],
        ]),
      );
    },
  )
    .usage('[options] <run> --out <file>')
    .argument('<run>', 'folder of a run, or a .safetensors file');
  return withExamples(
    withOptions(command, out, states),
    'recurrent export runs/spam --out model.onnx',
    'recurrent export runs/spam --out model.onnx --states',
  );
}
