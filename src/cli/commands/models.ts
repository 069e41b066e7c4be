import type { Command } from 'commander';
import { countParameters, planModel } from '../../../models/plan.ts';
import { parseSpec } from '../../../models/spec.ts';
import { zoo } from '../../../models/zoo/zoo.ts';
import { formatCount } from '../../core/format-numbers.ts';
import { defineCommand, withExamples } from '../command.ts';
import { table } from '../terminal/table.ts';

/** `recurrent models`: the models that are known by name. */
export function models(): Command {
  const command = defineCommand('models', 'list the models that are known by name', async (terminal) => {
    const known = zoo.map(({ name, summary, defaults, build }) => {
      const plan = planModel(parseSpec(build({ vocabularySize: defaults.vocabularySize, classes: 2 })));
      return { name, summary, parameters: countParameters(plan), ...defaults };
    });
    const rows = known.map(({ name, parameters, vocabularySize, maxLength, summary }) => [
      name,
      formatCount(parameters),
      formatCount(vocabularySize),
      formatCount(maxLength),
      summary,
    ]);
    terminal.answer(
      { models: known },
      `${table(rows, {
        head: ['model', 'parameters', 'vocabulary', 'length', 'layers'],
        align: ['left', 'right', 'right', 'right', 'left'],
      })}\n\nParameters are for two classes and the model's own vocabulary size.`,
    );
  });
  return withExamples(command, 'recurrent models', 'recurrent models --json');
}
