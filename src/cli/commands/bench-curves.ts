import type { Command } from 'commander';
import { type AxisName, axisNames } from '../../bench/training/axes.ts';
import type { ContenderName } from '../../bench/training/contender.ts';
import type { RecurrentKind } from '../../bench/training/problems.ts';
import { fail } from '../../core/errors.ts';
import { writeFileAtomically } from '../../core/files.ts';
import { defineCommand, withExamples, withOptions } from '../command.ts';
import { describeAbsences, describeCurves, describeMachine } from '../describe/bench.ts';
import { contenders, layers, seconds, svg, threads } from '../options/bench.ts';
import { namesOption } from '../options/names.ts';
import type { TerminalOptions } from '../terminal/terminal.ts';

const over = namesOption('--over', 'which sizes vary', axisNames);

interface Options extends TerminalOptions {
  readonly over: readonly AxisName[];
  readonly layers: readonly RecurrentKind[];
  readonly contenders: readonly ContenderName[];
  readonly threads: readonly number[];
  readonly seconds: number;
  readonly svg?: string;
}

/** `recurrent bench curves`: how the time of a step grows with time steps, batch, units and vocabulary. */
export function benchCurves(): Command {
  const command = defineCommand(
    'curves',
    'time a training step over time steps, batch, units and vocabulary',
    async (terminal, options: Options) => {
      const [{ measureCurves }, { drawCurves }] = await Promise.all([
        import('../../bench/training/curves.ts'),
        import('../../bench/training/curve-chart.ts'),
      ]);
      const { machine, points, missing, absences, problems } = await measureCurves({
        ...options,
        progress: terminal.progress,
      });
      for (const line of describeAbsences(missing, absences, problems)) terminal.warn(line);
      if (options.svg) await writeFileAtomically(options.svg, drawCurves(points, machine));
      terminal.answer({ machine, points }, [describeMachine(machine), describeCurves(points)].join('\n\n'));
      const wrong = absences.find((absence) => absence.wrong);
      if (wrong) fail('PARITY_FAILED', `${wrong.contender} at ${wrong.shape}: ${wrong.reason}`, 'Please report this.');
    },
  );
  return withExamples(
    withOptions(
      command,
      over,
      layers(['lstm']),
      contenders(['wasm', 'onnxruntime', 'pytorch']),
      threads,
      seconds(1),
      svg,
    ),
    'recurrent bench curves --svg curves.svg',
    'recurrent bench curves --over units --layers gru --contenders wasm,onnxruntime --threads 2 --json',
  );
}
