import { availableParallelism, cpus, totalmem } from 'node:os';

/** What something ran on: figures of another machine are other figures. */
export interface Host {
  /** Model of the processor. */
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** System and architecture, e.g. `linux/x64`. */
  readonly platform: string;
  readonly node: string;
}

export function describeHost(): Host {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${process.platform}/${process.arch}`,
    node: process.versions.node,
  };
}
