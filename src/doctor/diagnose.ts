/** Everything that `recurrent doctor` looks at, part by part. */
import type { Progress } from '../core/progress.ts';
import { type Finding, type GroupedFinding, groups, type State } from './finding.ts';
import { inspectGpu } from './gpu/inspect.ts';
import { inspectMachine } from './machine.ts';
import { inspectOptional } from './optional.ts';
import { type PartName, partNames, parts } from './parts.ts';

/** What is looked at, and not run: no native library of a package is loaded for it. */
const inspections = { machine: inspectMachine, gpu: inspectGpu, optional: inspectOptional } as const;
type Inspection = keyof typeof inspections;
const inspectionNames = Object.keys(inspections) as Inspection[];

export type Subject = PartName | Inspection;
export const subjects: readonly Subject[] = [...partNames, ...inspectionNames];

export interface DiagnoseOptions {
  /** Default: all. */
  readonly only?: readonly Subject[] | undefined;
  /** Tries one part; in a process of its own, as a native library may crash or hang. */
  readonly tryPart: (name: PartName) => Promise<Finding>;
  readonly progress: Progress;
}

export interface Diagnosis {
  /** Nothing is broken. */
  readonly healthy: boolean;
  /** By group, in the order of `groups`. */
  readonly findings: readonly GroupedFinding[];
}

export async function diagnose({ only = subjects, tryPart, progress }: DiagnoseOptions): Promise<Diagnosis> {
  const findings: GroupedFinding[] = [];
  for (const name of inspectionNames.filter((each) => only.includes(each))) {
    for (const found of await inspections[name]()) findings.push({ group: name, ...found });
  }
  const tried = partNames.filter((name) => only.includes(name));
  progress.start('self-tests', tried.length);
  for (const [done, name] of tried.entries()) {
    progress.update(done, name);
    findings.push({ group: parts[name].group, ...(await tryPart(name)) });
  }
  progress.stop();
  const inOrder = groups.flatMap((group) => findings.filter((found) => found.group === group));
  return { healthy: findings.every(({ state }) => state !== 'broken'), findings: inOrder };
}

export const namesIn = ({ findings }: Diagnosis, state: State): string[] =>
  findings.filter((found) => found.state === state).map(({ name }) => name);
