/** What a benchmark ran on: figures of another machine are other figures. */
import { loadavg } from 'node:os';
import { describeHost, type Host } from '../core/host.ts';
import { measurePeak, type Peak } from './peak.ts';

export interface Machine extends Host {
  /** Of the last minute before the benchmark: much above 0, others had a share of the cores. */
  readonly load: number;
  readonly peak: Peak;
  /** By contender. */
  readonly versions: Readonly<Record<string, string>>;
}

/** @param contenders whose versions are told */
export async function measureMachine(
  contenders: readonly { readonly name: string; readonly version: string }[],
): Promise<Machine> {
  const [load = 0] = loadavg(); // before anything is measured: of others
  return {
    ...describeHost(),
    load: Number(load.toFixed(2)),
    peak: await measurePeak(),
    versions: Object.fromEntries(contenders.map(({ name, version }) => [name, version])),
  };
}
