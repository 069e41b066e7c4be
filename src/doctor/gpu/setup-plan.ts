/**
 * What `recurrent setup gpu` would do here, as data: nothing is done yet. Two things can be installed without being
 * root: onnxruntime's library for CUDA, beside its binding, and NVIDIA's libraries from their packages on PyPI, in a
 * folder of the cache.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../core/cache-folder.ts';
import { fail } from '../../core/errors.ts';
import { traceLibraries } from './libraries.ts';
import { folderOf, onnxruntimeBinaries } from './packages.ts';
import { type Requirement, requirements } from './requirements.ts';

export const setupSources = ['nuget', 'pypi'] as const;

/**
 * `nuget`: what the package's own install script fetches, for CUDA 12. `pypi`: the same library out of the Python
 * package, for CUDA 13; where only a mirror of PyPI can be reached.
 */
export type SetupSource = (typeof setupSources)[number];

export interface SetupStep {
  readonly name: 'provider' | 'libraries';
  readonly what: string;
  /** As one would type it. */
  readonly command: string;
  /** Where it puts files. */
  readonly folder: string;
  /** What is downloaded, roughly. */
  readonly bytes: number;
  /** Nothing is to be done. */
  readonly isThere: boolean;
}

export interface SetupPlan {
  readonly source: SetupSource;
  readonly requirement: Requirement;
  readonly steps: readonly SetupStep[];
  /** What has to stand in LD_LIBRARY_PATH afterwards; undefined where the loader finds all libraries by itself. */
  readonly libraryPath: string | undefined;
}

/** The files that make up onnxruntime's CUDA provider. */
export const providerFiles = ['libonnxruntime_providers_cuda.so', 'libonnxruntime_providers_shared.so'] as const;

/** By source: for which CUDA, and NVIDIA's packages of it on PyPI. */
const nvidia = {
  nuget: {
    requirement: requirements.onnxruntimeCuda12,
    packages: [
      ...['nvidia-cuda-runtime-cu12', 'nvidia-cuda-nvrtc-cu12', 'nvidia-cublas-cu12', 'nvidia-cufft-cu12'],
      ...['nvidia-curand-cu12', 'nvidia-cudnn-cu12==9.*'],
    ],
  },
  pypi: {
    requirement: requirements.onnxruntimeCuda13,
    packages: [
      ...['nvidia-cuda-runtime==13.*', 'nvidia-cuda-nvrtc==13.*', 'nvidia-cublas==13.*', 'nvidia-cufft==12.*'],
      ...['nvidia-curand==10.*', 'nvidia-cudnn-cu13==9.*'],
    ],
  },
} as const;

export function packagesFor(source: SetupSource): readonly string[] {
  return nvidia[source].packages;
}

/** @throws OPTION_UNSUPPORTED on other systems; PACKAGE_MISSING without onnxruntime-node */
export function planSetup(source: SetupSource): SetupPlan {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    const here = `${process.platform}/${process.arch}`;
    fail('OPTION_UNSUPPORTED', `GPUs are used on linux/x64, this is ${here}`, 'Everything runs on the CPU.');
  }
  const binaries = onnxruntimeBinaries();
  if (binaries === undefined)
    fail('PACKAGE_MISSING', 'onnxruntime-node is not installed', 'Run: npm install onnxruntime-node');
  const { requirement, packages } = nvidia[source];
  const target = targetOf(requirement);
  const isFound = finds(requirement);
  return {
    source,
    requirement,
    steps: [
      {
        name: 'provider',
        what: `onnxruntime's library for CUDA ${requirement.cuda}`,
        command:
          source === 'nuget'
            ? `ONNXRUNTIME_NODE_INSTALL=true node ${installScript()}`
            : `python3 -m pip download --no-deps ${wheel()}`,
        folder: binaries,
        bytes: 3e8,
        isThere: providerFiles.every((file) => existsSync(join(binaries, file))),
      },
      {
        name: 'libraries',
        what: `CUDA ${requirement.cuda} and cuDNN ${requirement.cudnn}`,
        command: `python3 -m pip install --target ${target} ${packages.map((name) => (name.includes('*') ? `'${name}'` : name)).join(' ')}`,
        folder: target,
        bytes: 2e9,
        isThere: isFound || finds(requirement, libraryFolder(requirement)),
      },
    ],
    libraryPath: isFound ? undefined : libraryFolder(requirement),
  };
}

function finds({ libraries }: Requirement, folder?: string): boolean {
  const { found } = traceLibraries(libraries, folder);
  return libraries.every((name) => found.get(name)?.path !== undefined);
}

const targetOf = ({ cuda }: Requirement): string => join(cacheFolder(), `cuda${cuda}`);

/** Links to all that NVIDIA's packages brought. */
export const libraryFolder = (requirement: Requirement): string => join(targetOf(requirement), 'lib');

/** The wheel whose library fits the binding: that of the same version. */
export function wheel(): string {
  return `onnxruntime-gpu==${onnxruntimeVersion()}`;
}

/**
 * For the package's own install script. Not `cuda12`: version 1.30 forgets what it read when that is named, and then
 * does nothing when it is called below `npm run` or `npx`. It knows no other CUDA on Linux.
 */
export const installFlag = { ONNXRUNTIME_NODE_INSTALL: 'true' } as const;

export function installScript(): string {
  return join(folderOf('onnxruntime-node') ?? '', 'script/install.js');
}

function onnxruntimeVersion(): string {
  const manifest = join(folderOf('onnxruntime-node') ?? '', 'package.json');
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string }).version;
}
