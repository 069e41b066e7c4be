import { formatSeconds } from '../../core/format-numbers.ts';
import { table } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

export interface Stage {
  readonly name: string;
  readonly seconds: number;
}

/** The parts of a long command, each announced by a title and timed. */
export interface Stages {
  run<T>(name: string, title: string, work: () => Promise<T>): Promise<T>;
  readonly done: readonly Stage[];
}

export function createStages(terminal: Terminal): Stages {
  const done: Stage[] = [];
  return {
    done,
    async run(name, title, work) {
      terminal.say(`${done.length ? '\n' : ''}${terminal.colours.bold(title)}`);
      const began = performance.now();
      const result = await work();
      done.push({ name, seconds: (performance.now() - began) / 1000 });
      return result;
    },
  };
}

export function describeStages(stages: readonly Stage[]): string {
  return table(
    stages.map(({ name, seconds }) => [name, formatSeconds(seconds)]),
    { align: ['left', 'right'] },
  );
}
