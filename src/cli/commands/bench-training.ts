import type { Command } from 'commander';
import { type ContenderName, contenderNames } from '../../bench/training/contender.ts';
import {
  type IdsChoice,
  idsChoices,
  type RecurrentKind,
  recurrentKinds,
  type ShapeName,
  shapeNames,
} from '../../bench/training/problems.ts';
import { fail } from '../../core/errors.ts';
import { writeFileAtomically } from '../../core/files.ts';
import { defineCommand, withExamples, withOptions } from '../command.ts';
import { describeAbsences, describeMachine, describeTraining } from '../describe/bench.ts';
import { contenders, layers, seconds, svg, threads } from '../options/bench.ts';
import { namesOption } from '../options/names.ts';
import type { TerminalOptions } from '../terminal/terminal.ts';

const shapes = namesOption('--shapes', 'what is trained', shapeNames);
const ids = namesOption('--ids', 'where token ids come from', idsChoices);

interface Options extends TerminalOptions {
  readonly shapes: readonly ShapeName[];
  readonly layers: readonly RecurrentKind[];
  readonly ids: readonly IdsChoice[];
  readonly contenders: readonly ContenderName[];
  readonly threads: readonly number[];
  readonly seconds: number;
  readonly svg?: string;
}

/** `recurrent bench training`: one training step of everything that can train here, answers compared first. */
export function benchTraining(): Command {
  const command: Command = defineCommand(
    'training',
    'time a training step: the engines beside TensorFlow.js, PyTorch and Keras',
    async (terminal, options: Options) => {
      // With all engines; loaded when it is needed.
      const [{ measureSteps }, { drawTraining }] = await Promise.all([
        import('../../bench/training/steps.ts'),
        import('../../bench/training/bar-chart.ts'),
      ]);
      const { progress } = terminal;
      const patient = command.getOptionValueSource('contenders') === 'cli';
      const { machine, rows, missing, absences, noReviews, problems } = await measureSteps({
        ...options,
        patient,
        progress,
      });
      if (noReviews) terminal.warn(`ids come from mails, not from reviews: ${noReviews}`);
      for (const line of describeAbsences(missing, absences, problems)) terminal.warn(line);
      if (options.svg) await writeFileAtomically(options.svg, drawTraining(rows, machine));
      terminal.answer(
        { machine, rows: rows.map(({ usefulFlops: _, ...row }) => row) },
        [describeMachine(machine), describeTraining(rows, machine)].join('\n\n'),
      );
      const wrong = absences.find((absence) => absence.wrong);
      if (wrong) {
        const { shape, layer, ids, contender, reason } = wrong;
        fail('PARITY_FAILED', `${contender} on ${shape} ${layer} ${ids}: ${reason}`, 'Please report this.');
      }
    },
  );
  return withExamples(
    withOptions(command, shapes, layers(recurrentKinds), ids, contenders(contenderNames), threads, seconds(2), svg),
    'recurrent bench training',
    'recurrent bench training --shapes A,B --layers lstm --contenders wasm,onnxruntime,pytorch --json',
    'RECURRENT_PYTHON=venv/bin/python recurrent bench training --shapes A --svg chart.svg',
  );
}
