/** Device, driver, and for each package the CUDA libraries that it needs against those that the loader finds. */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { formatCountOf } from '../../core/format-numbers.ts';
import { type Finding, finding } from '../finding.ts';
import { isAtLeast } from '../version.ts';
import { type Driver, driverLibrary, inspectDriver } from './device.ts';
import { type FoundLibrary, neededBy, traceLibraries } from './libraries.ts';
import { folderOf, onnxruntimeBinaries } from './packages.ts';
import { type Requirement, requirements } from './requirements.ts';
import { libraryFolder } from './setup-plan.ts';

export function inspectGpu(): Finding[] {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    const detail = `on ${process.platform}/${process.arch} everything runs on the CPU: GPUs are used on Linux x64`;
    return [finding('device', 'absent', detail)];
  }
  const driver = inspectDriver();
  return [
    describeDevice(driver),
    describeDriver(driver),
    describeLibraries('onnxruntime-libraries', driver, cudaOfOnnxruntime()),
    describeLibraries('tensorflow-libraries', driver, cudaOfTensorflow()),
  ];
}

function describeDevice({ devices, onBus, complaint }: Driver): Finding {
  if (devices.length > 0) {
    const named = devices.map(
      ({ name, memoryMiB, computeCapability }) => `${name}, ${memoryMiB} MiB, compute capability ${computeCapability}`,
    );
    return finding('device', 'works', named.join('; '), { facts: { devices } });
  }
  const facts = { devices, onBus };
  if (onBus === 0 && complaint === undefined)
    return finding('device', 'absent', 'none of NVIDIA: not needed, see docs/gpu.md', { facts });
  const seen =
    onBus > 0
      ? `${formatCountOf(onBus, 'device')} of NVIDIA on the bus, but the driver shows none`
      : 'the driver shows none';
  return finding('device', 'absent', complaint === undefined ? seen : `${seen}: ${complaint}`, {
    facts,
    fix: "Install NVIDIA's driver; in a container, start it with --gpus all.",
  });
}

function describeDriver({ version, library, complaint, devices }: Driver): Finding {
  const facts = { version, library };
  const install = "Install NVIDIA's driver for your system, 580 or later: https://www.nvidia.com/drivers";
  if (version === undefined && !library && complaint === undefined) {
    return finding('driver', 'absent', 'none', { facts });
  }
  if (complaint !== undefined && devices.length === 0) {
    return finding('driver', 'broken', [version, complaint].filter(Boolean).join(': '), { facts, fix: install });
  }
  if (!library) {
    return finding('driver', 'broken', `${version}, but programs do not find its library libcuda.so.1`, {
      facts,
      fix: 'Put the folder of libcuda.so.1 into LD_LIBRARY_PATH; in a container, start it with --gpus all.',
    });
  }
  return finding('driver', 'works', version ?? 'of unknown version', { facts });
}

interface Installed {
  readonly requirement: Requirement;
  /** What it is for, for people. */
  readonly what: string;
  /** Whether the package's own CUDA library is there: then what it needs must be there too. */
  readonly installed: boolean;
  /** That library, of which the loader tells what it needs. */
  readonly file?: string | undefined;
  /** The command that installs it. */
  readonly fix: string;
}

function describeLibraries(
  name: string,
  driver: Driver,
  { requirement, what, installed, file, fix }: Installed,
): Finding {
  const { cuda, cudnn, driver: leastDriver, libraries } = requirement;
  const needs = `CUDA ${cuda}, cuDNN ${cudnn}, driver ${leastDriver}`;
  const { found, missing } = traceLibraries([...libraries, ...(file === undefined ? [] : [file])]);
  const absent = [...new Set([...libraries.filter((library) => found.get(library)?.path === undefined), ...missing])];
  const have = describeFound(requirement, found);
  const problems = [
    ...(absent.length ? [`not found: ${absent.map((library) => withOther(library, found)).join(', ')}`] : []),
    ...wrongVersions(requirement, found),
    ...(driver.version !== undefined && !isAtLeast(driver.version, leastDriver)
      ? [`driver ${driver.version} is older than ${leastDriver}`]
      : []),
  ];
  const facts = { ...requirement, installed, found: [...found.values()], problems };
  if (!installed) {
    return finding(name, 'absent', `${what} is not installed; it needs ${needs}`, { facts, fix });
  }
  if (problems.length === 0) return finding(name, 'works', `${what} needs ${needs}; found ${have}`, { facts });
  return finding(name, 'broken', `${what} needs ${needs}; ${problems.join('; ')}`, {
    facts,
    fix: remedyFor(requirement, driver, absent),
  });
}

/** `CUDA 12.8.90, cuDNN 9.10.2`, as far as the names of the files tell. */
function describeFound({ libraries }: Requirement, found: ReadonlyMap<string, FoundLibrary>): string {
  const versionOf = (library = '') => found.get(library)?.version ?? 'of unknown version';
  return `CUDA ${versionOf(libraries[0])}, cuDNN ${versionOf(libraries.at(-1))}`;
}

/** Only the names of files with more than the major version tell that it is too old. */
function wrongVersions({ cuda, cudnn, libraries }: Requirement, found: ReadonlyMap<string, FoundLibrary>): string[] {
  return [
    { what: 'CUDA', least: cuda, library: libraries[0] },
    { what: 'cuDNN', least: cudnn, library: libraries.at(-1) },
  ].flatMap(({ what, least, library = '' }) => {
    const { version, path } = found.get(library) ?? {};
    const tells = version !== undefined && version.split('.').length > 2;
    return tells && !isAtLeast(version, least) ? [`${path} is ${what} ${version}, older than ${least}`] : [];
  });
}

/** `libcudnn.so.9 (there is libcudnn.so.8, which is another version)` */
function withOther(library: string, found: ReadonlyMap<string, FoundLibrary>): string {
  const problem = found.get(library)?.problem;
  if (problem !== undefined) return `${library} (${problem})`;
  const stem = library.replace(/\.so\..*/, '.so');
  const others = majors.map((major) => `${stem}.${major}`).filter((name) => name !== library);
  const other = [...traceLibraries(others).found.values()].find(({ path }) => path !== undefined);
  return other ? `${library} (there is ${other.path}, another version)` : library;
}

/** Of the libraries of CUDA 10 to 13. */
const majors = ['7', '8', '9', '10', '10.0', '11', '11.0', '12', '13'];

function remedyFor(requirement: Requirement, { version }: Driver, absent: readonly string[]): string {
  const { cuda, cudnn, driver: least } = requirement;
  const folder = libraryFolder(requirement);
  const tooOld = version !== undefined && !isAtLeast(version, least);
  if (tooOld || absent.every((library) => library === driverLibrary)) {
    return `Install NVIDIA's driver ${least} or later (https://www.nvidia.com/drivers); in a container, start it with --gpus all.`;
  }
  if (existsSync(folder)) return `export LD_LIBRARY_PATH=${folder}: there recurrent setup gpu has put them.`;
  return `Install CUDA ${cuda} and cuDNN ${cudnn}, or put their folders into LD_LIBRARY_PATH: recurrent setup gpu --dry-run shows how.`;
}

/** Its own CUDA library says for which CUDA it was built. */
function cudaOfOnnxruntime(): Installed {
  const fix = 'recurrent setup gpu';
  const folder = onnxruntimeBinaries();
  const file = folder && join(folder, 'libonnxruntime_providers_cuda.so');
  if (file === undefined || !existsSync(file)) {
    const what = "onnxruntime's library for CUDA";
    return { requirement: requirements.onnxruntimeCuda12, what, installed: false, fix };
  }
  const is13 = neededBy(file).some((library) => /\.so\.13$/.test(library));
  const requirement = is13 ? requirements.onnxruntimeCuda13 : requirements.onnxruntimeCuda12;
  return { requirement, what: `onnxruntime for CUDA ${requirement.cuda}`, installed: true, file, fix };
}

/** The name of the library in `deps/lib/` tells which TensorFlow it is. */
function cudaOfTensorflow(): Installed {
  const fix = 'npm install --ignore-scripts=false @tensorflow/tfjs-node-gpu@4.22.0';
  const folder = folderOf('@tensorflow/tfjs-node-gpu');
  const deps = folder && join(folder, 'deps/lib');
  const names = deps !== undefined && existsSync(deps) ? readdirSync(deps) : [];
  const library = names.find((name) => /^libtensorflow(_cc)?\.so\.2/.test(name));
  if (deps === undefined || library === undefined) {
    return { requirement: requirements.tensorflow2_9, what: 'TensorFlow for CUDA', installed: false, fix };
  }
  // tools/build-tfjs-node.mjs links to the library of the wheel tensorflow-cpu.
  if (realpathSync(join(deps, library)).includes('tensorflow_cpu')) {
    const what = 'TensorFlow for CUDA (the one that is here is built for the CPU)';
    return { requirement: requirements.tensorflow2_21, what, installed: false, fix };
  }
  const requirement = library.startsWith('libtensorflow_cc') ? requirements.tensorflow2_21 : requirements.tensorflow2_9;
  return { requirement, what: `TensorFlow for CUDA ${requirement.cuda}`, installed: true, fix };
}
