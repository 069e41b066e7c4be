/** What a benchmark ran on: figures of another machine are other figures. */
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { measurePeak, type Peak } from './peak.ts';

export interface Machine {
  /** Model of the processor. */
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** System and architecture, e.g. `linux/x64`. */
  readonly platform: string;
  readonly node: string;
  /** Of the last minute before the benchmark: much above 0, others had a share of the cores. */
  readonly load: number;
  readonly peak: Peak;
  /** By contender. */
  readonly versions: Readonly<Record<string, string>>;
}

/** @param contenders whose versions are told */
export async function describeMachine(
  contenders: readonly { readonly name: string; readonly version: string }[],
): Promise<Machine> {
  const [load = 0] = loadavg(); // before anything is measured: of others
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${process.platform}/${process.arch}`,
    node: process.versions.node,
    load: Number(load.toFixed(2)),
    peak: await measurePeak(),
    versions: Object.fromEntries(contenders.map(({ name, version }) => [name, version])),
  };
}
