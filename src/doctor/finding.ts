/** What `recurrent doctor` says about one part of a machine. */

/**
 * `works`: tried, and right. `absent`: not there, and nothing that is there needs it. `broken`: there, but it does not
 * work, or the product cannot do without it.
 */
export type State = 'works' | 'absent' | 'broken';

export const groups = ['machine', 'training', 'inference', 'gpu', 'optional'] as const;
export type Group = (typeof groups)[number];

export interface Finding {
  readonly name: string;
  readonly state: State;
  /** What was found, or why it does not work: one line. */
  readonly detail: string;
  /** The command that puts it right, or a sentence where no command can. */
  readonly fix?: string | undefined;
  /** The same as figures, for programs. */
  readonly facts?: Readonly<Record<string, unknown>> | undefined;
}

export interface GroupedFinding extends Finding {
  readonly group: Group;
}

/** @returns a finding, without keys that have no value */
export function finding(name: string, state: State, detail: string, more: Partial<Finding> = {}): Finding {
  return { name, state, detail, ...more };
}
