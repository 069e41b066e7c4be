/** A diagnosis as a person reads it: a line a part, under it the command that puts it right. */
import type { Diagnosis } from '../../doctor/diagnose.ts';
import { type GroupedFinding, groups, type State } from '../../doctor/finding.ts';
import { programName } from '../invocation.ts';
import { printable } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { wrap } from '../terminal/wrap.ts';

const titles = {
  machine: 'Machine',
  training: 'Training: 20 steps, an export, a comparison',
  inference: 'Inference',
  gpu: 'GPU',
  optional: 'Optional',
} as const satisfies Record<GroupedFinding['group'], string>;

const marks = { works: '✓', absent: '–', broken: '✗' } as const satisfies Record<State, string>;

/** Lines are broken on a terminal; in a pipe each part is one line, with its remedy on the next. */
export function describeDiagnosis({ colours, interactive }: Terminal, { findings, healthy }: Diagnosis): string {
  const paint = { works: colours.green, absent: colours.dim, broken: colours.red };
  const indent = 6 + Math.max(...findings.map(({ name }) => name.length));
  const room = interactive ? Math.max(20, (process.stdout.columns || 80) - indent) : Number.POSITIVE_INFINITY;
  const broken = (text: string) => wrap(printable(text), room, indent);

  function describe({ name, state, detail, fix }: GroupedFinding): string {
    const line = `  ${paint[state](marks[state])} ${name.padEnd(indent - 6)}  ${broken(detail)}`;
    if (state === 'works' || fix === undefined) return line;
    return `${line}\n${' '.repeat(indent)}${broken(`→ ${fix.replace(/^recurrent /, `${programName()} `)}`)}`;
  }

  const sections = groups.flatMap((group) => {
    const members = findings.filter((found) => found.group === group);
    return members.length ? [[colours.bold(titles[group]), ...members.map(describe)].join('\n')] : [];
  });
  const legend = '✓ works   – not there, and not needed   ✗ broken';
  return [...sections, healthy ? `${legend}: nothing` : legend].join('\n\n');
}
