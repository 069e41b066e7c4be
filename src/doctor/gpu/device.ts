/** NVIDIA's devices and driver, by what the system tells: nothing of CUDA is needed to ask. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { traceLibraries } from './libraries.ts';

/** What programs load of the driver. */
export const driverLibrary = 'libcuda.so.1';

export interface Device {
  readonly name: string;
  readonly memoryMiB: number;
  /** E.g. `9.0`. */
  readonly computeCapability: string;
}

export interface Driver {
  /** What nvidia-smi lists. */
  readonly devices: readonly Device[];
  /** Undefined where there is none. */
  readonly version: string | undefined;
  /** Whether programs find the driver's library, `libcuda.so.1`. */
  readonly library: boolean;
  /** What nvidia-smi complains about; undefined when it does not, or is not there. */
  readonly complaint: string | undefined;
  /** Devices of NVIDIA on the PCI bus, whether a driver knows them or not. */
  readonly onBus: number;
}

export function inspectDriver(): Driver {
  const smi = askSmi();
  const cuda = traceLibraries([driverLibrary]).found.get(driverLibrary);
  // A bare `1` is the name of the library, not a version.
  const ofLibrary = cuda?.version?.includes('.') ? cuda.version : undefined;
  return {
    devices: smi.devices,
    version: smi.version ?? kernelModule() ?? ofLibrary,
    library: cuda?.path !== undefined,
    complaint: smi.complaint,
    onBus: devicesOnBus(),
  };
}

type Answer = Pick<Driver, 'devices' | 'version' | 'complaint'>;

function askSmi(): Answer {
  const query = ['--query-gpu=name,memory.total,compute_cap,driver_version', '--format=csv,noheader,nounits'];
  const { status, stdout, stderr, error } = spawnSync('nvidia-smi', query, { encoding: 'utf8', timeout: 20_000 });
  const nothing = { devices: [], version: undefined };
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return { ...nothing, complaint: undefined };
  if (status !== 0) {
    const said = [stdout, stderr].flatMap((text) => (text ?? '').split('\n')).find((line) => line.trim());
    return { ...nothing, complaint: said?.trim() ?? error?.message ?? `nvidia-smi ended with status ${status}` };
  }
  const lines = stdout.split('\n').filter((line) => line.split(', ').length === 4);
  const devices = lines.map((line) => {
    const [name = '', memory = '', computeCapability = ''] = line.split(', ');
    return { name, memoryMiB: Number(memory), computeCapability };
  });
  if (devices.length === 0) return { ...nothing, complaint: stdout.trim() || 'nvidia-smi lists no device' };
  return { devices, version: lines[0]?.split(', ')[3]?.trim(), complaint: undefined };
}

function kernelModule(): string | undefined {
  const file = '/proc/driver/nvidia/version';
  return existsSync(file) ? /Module\s+(?:for \S+\s+)?([\d.]+)/.exec(readFileSync(file, 'utf8'))?.[1] : undefined;
}

/** Display controllers (class 03…) of vendor 10de. */
function devicesOnBus(): number {
  const bus = '/sys/bus/pci/devices';
  if (!existsSync(bus)) return 0;
  const read = (device: string, file: string): string => readFileSync(join(bus, device, file), 'utf8');
  return readdirSync(bus).filter((device) => {
    try {
      return read(device, 'vendor').startsWith('0x10de') && read(device, 'class').startsWith('0x03');
    } catch {
      return false;
    }
  }).length;
}
