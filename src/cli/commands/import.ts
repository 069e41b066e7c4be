import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { type Command, Option } from 'commander';
import { saveCheckpoint } from '../../../models/checkpoint/checkpoint.ts';
import { importModel } from '../../../models/importers/import-model.ts';
import type { ImportedModel } from '../../../models/importers/imported.ts';
import { importFormats } from '../../../models/importers/imported.ts';
import { type ImportOptions, importSchema, type PytorchOptions } from '../../../models/importers/options.ts';
import { countParameters, planModel } from '../../../models/plan.ts';
import type { SpecInput } from '../../../models/spec-input.ts';
import { fail } from '../../core/errors.ts';
import { formatCountOf } from '../../core/format-numbers.ts';
import { runFiles } from '../../training/run-folder.ts';
import { defineCommand, required, withExamples, withOptions } from '../command.ts';
import { commandLine } from '../invocation.ts';
import { readSpec } from '../open/spec.ts';
import { numberOf, numberParser } from '../options/number-parser.ts';
import { facts, table } from '../terminal/table.ts';
import type { TerminalOptions } from '../terminal/terminal.ts';

const { shape } = importSchema;
const tokenizer = shape.tokenizer.unwrap().shape;

const out = new Option('--out <folder>', 'folder of the run, or a .safetensors file');
const overwrite = new Option('--overwrite', 'replace the model that --out already holds');
const format = new Option('--format <name>', 'whose file it is (default: what it looks like)').choices(importFormats);
const vocabulary = new Option(
  '--vocabulary <file>',
  "a word a line, or .json: a list, ids by word, or Keras' Tokenizer.to_json()",
);
const labels = new Option('--labels <names>', 'of the classes, with commas between (default: 0,1,…)').argParser(
  (text) => text.split(','),
);
const maxLength = count('--max-length <n>', "time steps (default: those of the file's input)", shape.maxLength);
const padding = side('--padding <side>', 'where zeros go in a short text (default: pre; of PyTorch post)');
const truncating = side('--truncating <side>', 'where a long text is cut (default: pre; of PyTorch post)');
const vocabularySize = count(
  '--vocabulary-size <n>',
  'words whose id is not below it are unknown (default: the ids of the model)',
  shape.vocabularySize,
);
const lowercase = new Option('--lowercase <rule>', 'which letters become small (default: unicode)').choices(
  tokenizer.lowercase.unwrap().options,
);
const filters = new Option('--filters <characters>', "what becomes a space (default: as Keras' Tokenizer)");
const firstWordId = count(
  '--first-word-id <n>',
  'id of the first word (default: as the vocabulary has it, else 2)',
  tokenizer.firstWordId,
);
const oovId = idOrNone(
  '--oov-id <n>',
  'id of unknown words; none drops them (default: as the vocabulary has it, else 1)',
);
const startId = idOrNone('--start-id <n>', 'id before the first word of each text, or none (default: none)');
const pytorch = shape.pytorch.unwrap().shape;
const spec = new Option('--spec <file>', 'PyTorch: the whole model as .json, in place of the four options below');
const pooling = new Option(
  '--pooling <kind>',
  'PyTorch: how the output of the recurrent layers becomes one vector; last: h_n of the last layer',
).choices(pytorch.pooling.unwrap().options);
const paddingSteps = new Option(
  '--padding-steps <what>',
  'PyTorch: steps of id 0 are skipped, as with pack_padded_sequence, or read',
).choices(pytorch.padding.unwrap().options);
const nonlinearity = new Option('--nonlinearity <name>', 'PyTorch: of nn.RNN').choices(
  pytorch.nonlinearity.unwrap().options,
);
const hiddenActivation = new Option(
  '--hidden-activation <name>',
  'PyTorch: after each linear layer but the last',
).choices(pytorch.hiddenActivation.unwrap().options);
const modules = new Option(
  '--modules <names>',
  'PyTorch: names in the order of the data, with commas between (default: as the shapes fit together)',
).argParser((text) => text.split(','));
const name = new Option('--name <name>', "of the model (default: the file's)");

interface Options extends TerminalOptions {
  readonly out?: string;
  readonly overwrite?: boolean;
  readonly format?: ImportOptions['format'];
  readonly vocabulary?: string;
  readonly labels?: readonly string[];
  readonly maxLength?: number;
  readonly padding?: ImportOptions['padding'];
  readonly truncating?: ImportOptions['truncating'];
  readonly vocabularySize?: number;
  readonly lowercase?: 'unicode' | 'ascii' | 'none';
  readonly filters?: string;
  readonly firstWordId?: number;
  readonly oovId?: number | null;
  readonly startId?: number | null;
  readonly name?: string;
  readonly spec?: string;
  readonly pooling?: PytorchOptions['pooling'];
  readonly paddingSteps?: PytorchOptions['padding'];
  readonly nonlinearity?: PytorchOptions['nonlinearity'];
  readonly hiddenActivation?: PytorchOptions['hiddenActivation'];
  readonly modules?: readonly string[];
}

/** `recurrent import`: a model file of another framework to the folder of a run. */
export function importCommand(): Command {
  const command = defineCommand(
    'import',
    'take over a trained model of Keras, PyTorch or TensorFlow.js',
    async (terminal, options: Options, file: string) => {
      const target = targetOf(required(options.out, out.flags));
      if (!options.overwrite && existsSync(target)) {
        fail('RUN_EXISTS', `${target} already exists`, 'Replace it (--overwrite) or choose another place.');
      }
      const imported = await importModel(file, await importOptionsOf(options));
      await saveCheckpoint(target, { model: imported.model });
      for (const line of describeImport(imported)) terminal.say(line);
      const { model, ...rest } = imported;
      const plan = planModel(model.spec);
      const run = options.out as string;
      terminal.answer(
        { ...rest, file: target, spec: model.spec, labels: model.labels, parameters: countParameters(plan) },
        facts([
          ['written', `${target}: ${model.spec.name}, ${formatCountOf(countParameters(plan), 'parameter')}`],
          ['next', commandLine('export', run, '--out', onnxOf(run))],
          ['', commandLine('parity', run, '--data', '<texts with labels>')],
        ]),
      );
    },
  )
    .usage('[options] <file> --out <folder>')
    .argument('<file>', '.keras, .h5 of Keras; .safetensors, .pt of PyTorch; model.json of TensorFlow.js');
  withOptions(command, out, overwrite, format, vocabulary, labels, maxLength, padding, truncating, vocabularySize);
  withOptions(command, lowercase, filters, firstWordId, oovId, startId, name);
  withOptions(command, spec, pooling, paddingSteps, nonlinearity, hiddenActivation, modules);
  return withExamples(
    command,
    'recurrent import model.keras --vocabulary word_index.json --labels ham,spam --max-length 200 --out runs/spam',
    'recurrent import model.safetensors --vocabulary words.txt --max-length 100 --pooling last --padding-steps read --out runs/spam',
    'recurrent import web/model.json --vocabulary words.json --labels ham,spam --out runs/spam',
  );
}

/** The best model of a run lies in its folder under this name. */
function targetOf(path: string): string {
  return extname(path) === '.safetensors' ? path : runFiles(path).best;
}

function onnxOf(path: string): string {
  return extname(path) === '.safetensors' ? `${path.slice(0, -'.safetensors'.length)}.onnx` : runFiles(path).onnx;
}

async function importOptionsOf(options: Options): Promise<ImportOptions> {
  const { lowercase, filters, firstWordId, oovId, startId } = options;
  const { format, vocabulary, labels, maxLength, padding, truncating, vocabularySize, name } = options;
  return {
    ...{ format, vocabulary, labels, maxLength, padding, truncating, vocabularySize, name },
    tokenizer: { lowercase, filters, firstWordId, oovId, startId } as NonNullable<ImportOptions['tokenizer']>,
    pytorch: {
      ...{ pooling: options.pooling, padding: options.paddingSteps, nonlinearity: options.nonlinearity },
      ...{ hiddenActivation: options.hiddenActivation, modules: options.modules },
      spec: options.spec === undefined ? undefined : ((await readSpec(options.spec)) as unknown as SpecInput),
    },
  };
}

/** What became of the file, for people. */
function describeImport({ producer, layers, settings, remarks }: ImportedModel): string[] {
  return [
    `${producer}\n`,
    table(
      layers.map(({ name, kind, becomes }) => [name, kind, becomes ?? '']),
      { head: ['layer', 'class', 'becomes'] },
    ),
    '',
    table(
      settings.map(({ name, value, from }) => [
        name,
        typeof value === 'string' ? visible(value) : String(value ?? 'none'),
        from,
      ]),
      { head: ['setting', 'value', 'from'] },
    ),
    '',
    ...remarks.map((remark) => `note: ${remark}`),
  ];
}

/** Tabs and line breaks among the filters as JSON writes them. */
function visible(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
}

function count(flags: string, description: string, schema: Parameters<typeof numberOf>[0]): Option {
  const [flag = ''] = flags.split(' ');
  return new Option(flags, description).argParser(numberParser(flag, numberOf(schema)));
}

function side(flags: string, description: string): Option {
  return new Option(flags, description).choices(shape.padding.unwrap().options);
}

function idOrNone(flags: string, description: string): Option {
  const [flag = ''] = flags.split(' ');
  const parse = numberParser(flag, numberOf(tokenizer.firstWordId));
  return new Option(flags, description).argParser((text) => (text === 'none' ? null : parse(text)));
}
