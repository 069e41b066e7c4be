/**
 * An app with a package of onnxruntime of its own, and wheels for its `recurrent setup gpu`: NVIDIA's are 2 GB, these
 * hold empty libraries, really compiled. What installs them is the real pip.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requirements } from '../../src/doctor/gpu/requirements.ts';
import { build } from '../package/built-package.ts';
import { installCopy } from './installed-copy.ts';
import { compilerMissing, compileStubs } from './stub-libraries.ts';

/** Why no setup can be tried here; undefined where it can. */
export const setupMissing =
  compilerMissing ??
  (process.arch !== 'x64' ? 'GPUs are used on x64' : undefined) ??
  (spawnSync('python3', ['-c', 'import pip']).status === 0 ? undefined : 'Python 3 with pip is not installed');

const { libraries } = requirements.onnxruntimeCuda13;
export const [provider, shared] = ['libonnxruntime_providers_cuda.so', 'libonnxruntime_providers_shared.so'] as const;

/** Files by their path in the package, to the name of the stub. */
type Files = Readonly<Record<string, string>>;
export interface Wheel {
  readonly name: string;
  readonly version: string;
  readonly files: Files;
}

const at = (folder: string, names: readonly string[]): Files =>
  Object.fromEntries(names.map((name) => [`${folder}/${name}`, name]));

const ofCuda = libraries.filter((name) => !name.startsWith('libcudnn'));

/** What NVIDIA's packages bring, and onnxruntime's. */
export const wheels: readonly Wheel[] = [
  { name: 'onnxruntime-gpu', version: '1.30.0', files: at('onnxruntime/capi', [provider, shared]) },
  { name: 'nvidia-cublas', version: '13.1.0', files: at('nvidia/cu13/lib', ofCuda) },
  { name: 'nvidia-cudnn-cu13', version: '9.20.0', files: at('nvidia/cudnn/lib', ['libcudnn.so.9']) },
  { name: 'nvidia-cuda-runtime', version: '13.0.1', files: {} },
  { name: 'nvidia-cuda-nvrtc', version: '13.0.1', files: {} },
  { name: 'nvidia-cufft', version: '12.0.1', files: {} },
  { name: 'nvidia-curand', version: '10.4.0', files: {} },
];

/** A wheel is a zip archive with three files about it. */
const program = `
import sys, json, zipfile
folder, stubs, wheels = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
for wheel in wheels:
    stem = wheel['name'].replace('-', '_') + '-' + wheel['version']
    info = stem + '.dist-info/'
    with zipfile.ZipFile(folder + '/' + stem + '-py3-none-any.whl', 'w') as archive:
        for inside, stub in wheel['files'].items(): archive.write(stubs + '/' + stub, inside)
        archive.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: %(name)s\\nVersion: %(version)s\\n' % wheel)
        archive.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
        archive.writestr(info + 'RECORD', '')
`;

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SetupApp {
  readonly scratch: string;
  /** The built command line. */
  readonly main: string;
  /** Where the binding lies, and the provider goes. */
  readonly binaries: string;
  /** Of the package, below `XDG_CACHE_HOME`. */
  readonly cache: string;
  /** The compiled libraries. */
  readonly stubs: string;
  makeWheels(wheels: readonly Wheel[]): void;
  /** Runs `recurrent setup gpu` to its end. */
  setup(args: readonly string[], env?: Readonly<Record<string, string>>): Outcome;
  /** Starts it, and goes on. */
  start(args: readonly string[], env?: Readonly<Record<string, string>>): ReturnType<typeof spawn>;
  dispose(): void;
}

export function createSetupApp(): SetupApp {
  build();
  const scratch = mkdtempSync(join(tmpdir(), 'setup-'));
  const folder = join(scratch, 'wheels');
  mkdirSync(folder);
  const copy = installCopy();
  const main = join(copy.path('recurrent-onnx'), 'dist/cli/main.js');
  const binaries = join(copy.own('onnxruntime-node'), 'bin/napi-v6/linux/x64');
  const stubs = compileStubs(join(scratch, 'stubs'), [
    ...libraries.map((name) => ({ name })),
    { name: provider, needs: libraries },
    { name: shared },
  ]);
  const { LD_LIBRARY_PATH: _, PIP_INDEX_URL: __, ...inherited } = process.env;
  const environment = {
    ...inherited,
    ...{ XDG_CACHE_HOME: join(scratch, 'cache'), PIP_NO_INDEX: '1', PIP_FIND_LINKS: folder, PIP_NO_CACHE_DIR: '1' },
  };
  const command = (args: readonly string[]) => [main, 'setup', 'gpu', ...args];
  const app: SetupApp = {
    ...{ scratch, main, binaries, stubs, cache: join(scratch, 'cache/recurrent-onnx') },
    makeWheels: (made) => {
      execFileSync('python3', ['-c', program, folder, stubs, JSON.stringify(made)]);
    },
    setup: (args, env = {}) =>
      spawnSync(process.execPath, command(args), { encoding: 'utf8', env: { ...environment, ...env }, input: '' }),
    start: (args, env = {}) =>
      spawn(process.execPath, command(args), { env: { ...environment, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }),
    dispose: () => {
      copy.dispose();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
  app.makeWheels(wheels);
  return app;
}

/** Names in the folder of the binding that a setup brought or left. */
export function providersIn({ binaries }: SetupApp): string[] {
  return readdirSync(binaries).filter((name) => name.includes('providers'));
}

/** Names in the cache; none where it is not there. */
export function leftIn({ cache }: SetupApp): string[] {
  return existsSync(cache) ? readdirSync(cache) : [];
}
