/**
 * Finds TensorFlow.js on this machine and says which one runs. It is an optional peer, so nothing of it is loaded
 * before `loadTensorflow` is called.
 *
 * The packages are reached through `createRequire`, not `import()`: a bundler or test runner may resolve an import to
 * the ES build and a `require` inside TensorFlow.js to the CommonJS one. Two copies of tfjs-core share one engine but
 * not their classes, and fail in odd places.
 */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fail, firstLine } from '../../../core/errors.ts';
import { nativeBackend } from './native.ts';

/**
 * The functions of tfjs-core and tfjs-layers under one name, as in `@tensorflow/tfjs`. To an ES module these CommonJS
 * packages have a `default` as well; to CommonJS they have none.
 */
export type Tensorflow = Omit<
  typeof import('@tensorflow/tfjs-core') & typeof import('@tensorflow/tfjs-layers'),
  'default'
>;

export interface LoadedTensorflow {
  readonly tf: Tensorflow;
  /** `native`: TensorFlow's own library; `cpu`: plain JavaScript. */
  readonly backend: 'native' | 'cpu';
  /** Where the operations run. */
  readonly device: 'GPU' | 'CPU';
  /** Makes this backend the current one: all of a process share one TensorFlow.js, and anybody may have switched it. */
  readonly use: () => void;
  /** What runs, e.g. `TensorFlow.js 4.22.0 (cpu backend)`. */
  readonly description: string;
  /** One line: what runs, and why not the faster ones. */
  readonly note: string;
}

type Attempt = { readonly tf: Tensorflow } | { readonly reason: string };

const nativePackages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;
const cpuPackages = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', '@tensorflow/tfjs-backend-cpu'] as const;

const installHint = `Run: npm install ${cpuPackages.map((name) => `${name}@4.22.0`).join(' ')}`;

/** For people: how the native binding comes to this machine. */
export const nativeHint =
  'Run: npm install @tensorflow/tfjs-node@4.22.0 with install scripts on, or, where they cannot download, ' +
  'build it as docs/tensorflow.md shows: node tools/build-tfjs-node.mjs';

const loaded = new Map<string, Promise<LoadedTensorflow>>();

/**
 * Loads the fastest TensorFlow.js there is: `@tensorflow/tfjs-node-gpu`, then `@tensorflow/tfjs-node` (each only with
 * its native binding), then the packages in plain JavaScript. Loads once; later calls give the same.
 *
 * @param from file or URL from which packages are looked up
 * @throws ENGINE_MISSING with the command that installs one
 */
export function loadTensorflow(from: string = import.meta.url): Promise<LoadedTensorflow> {
  return once(`any ${from}`, async () => {
    const found = await findNative(createRequire(from));
    return 'tf' in found ? found : loadCpu(createRequire(from), found.rejected);
  });
}

/**
 * The native library or nothing.
 *
 * @throws ENGINE_MISSING with the reason for each package, and what to do
 */
export function loadNativeTensorflow(from: string = import.meta.url): Promise<LoadedTensorflow> {
  return once(`native ${from}`, async () => {
    const found = await findNative(createRequire(from));
    if ('tf' in found) return found;
    return fail(
      'ENGINE_MISSING',
      `TensorFlow's native library cannot be used: ${found.rejected.join('; ')}`,
      nativeHint,
    );
  });
}

/**
 * Plain JavaScript, though a native library may be there. All of a process share one TensorFlow.js: whoever loads this
 * switches everybody over.
 *
 * @throws ENGINE_MISSING with the command that installs it
 */
export function loadPlainTensorflow(from: string = import.meta.url): Promise<LoadedTensorflow> {
  return once(`cpu ${from}`, () => loadCpu(createRequire(from), []));
}

function once(key: string, load: () => Promise<LoadedTensorflow>): Promise<LoadedTensorflow> {
  const known = loaded.get(key) ?? load();
  loaded.set(key, known);
  return known;
}

async function findNative(require: NodeJS.Require): Promise<LoadedTensorflow | { readonly rejected: string[] }> {
  const rejected: string[] = [];
  for (const name of nativePackages) {
    const attempt = tryNative(require, name);
    if ('tf' in attempt) {
      const { tf } = attempt;
      await tf.setBackend('tensorflow');
      const { binding, isUsingGpuDevice } = nativeBackend(tf) ?? {};
      const device = isUsingGpuDevice ? 'GPU' : 'CPU';
      const kind = `TensorFlow ${binding?.TF_Version} on the ${device}, ${name}`;
      return { ...describe(tf, 'native', kind, rejected), device };
    }
    rejected.push(`${name}: ${attempt.reason}`);
  }
  return { rejected };
}

async function loadCpu(require: NodeJS.Require, rejected: readonly string[]): Promise<LoadedTensorflow> {
  const attempt = tryCpu(require);
  if ('reason' in attempt)
    return fail('ENGINE_MISSING', `TensorFlow.js cannot be loaded: ${attempt.reason}`, installHint);
  await attempt.tf.setBackend('cpu');
  silenceBanner(attempt.tf);
  return { ...describe(attempt.tf, 'cpu', 'cpu backend', rejected), device: 'CPU' };
}

function describe(
  tf: Tensorflow,
  backend: LoadedTensorflow['backend'],
  kind: string,
  rejected: readonly string[],
): Omit<LoadedTensorflow, 'device'> {
  const description = `TensorFlow.js ${tf.version_core} (${kind})`;
  const name = { native: 'tensorflow', cpu: 'cpu' }[backend];
  const use = () => {
    if (tf.getBackend() !== name) void tf.setBackend(name); // of one that has been loaded: done at once
  };
  return { tf, backend, use, description, note: [description, ...rejected].join('; ') };
}

function tryNative(require: NodeJS.Require, name: string): Attempt {
  const entry = resolve(require, name);
  if (entry === undefined) return { reason: 'not installed' };
  // Without its binding the package throws, but only after it has loaded and registered everything else it has.
  if (!hasBinding(dirname(dirname(entry)))) return { reason: 'its native binding is not there' };
  restoreRemovedUtilities(require);
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'; // warnings of the native library would land among our output
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true'; // it takes all memory of a GPU otherwise, and others have none
  process.env.NVIDIA_TF32_OVERRIDE ??= '0'; // products of full float32: see docs/gpu.md
  try {
    return { tf: require(entry) as Tensorflow };
  } catch (error) {
    return { reason: `its native binding does not load (${firstLine(error)})` };
  }
}

/** The binding lies in `lib/napi-v8/` or another version of Node's native interface. */
function hasBinding(packageFolder: string): boolean {
  const lib = join(packageFolder, 'lib');
  return existsSync(lib) && readdirSync(lib).some((folder) => existsSync(join(lib, folder, 'tfjs_binding.node')));
}

/**
 * tfjs-node 4.22 calls `util.isNullOrUndefined`, which Node 23 removed, and `util.isArray`, which newer ones warn about:
 * without them its first operation throws.
 */
function restoreRemovedUtilities(require: NodeJS.Require): void {
  const isNullOrUndefined = (value: unknown): boolean => value === null || value === undefined;
  Object.assign(require('node:util') as object, { isNullOrUndefined, isArray: Array.isArray });
}

function tryCpu(require: NodeJS.Require): Attempt {
  const [layers, backend] = [resolve(require, cpuPackages[1]), resolve(require, cpuPackages[2])];
  if (layers === undefined) return { reason: `${cpuPackages[1]} is not installed` };
  if (backend === undefined) return { reason: `${cpuPackages[2]} is not installed` };
  const core = resolve(createRequire(layers), cpuPackages[0]);
  if (core === undefined) return { reason: `${cpuPackages[0]} is not installed` };
  if (core !== resolve(createRequire(backend), cpuPackages[0])) {
    return { reason: `there are two copies of ${cpuPackages[0]}` };
  }
  require(backend);
  return { tf: { ...require(core), ...require(layers) } as Tensorflow };
}

/** The first tensor on the cpu backend prints an advertisement for tfjs-node, unless in production mode. */
function silenceBanner(tf: Tensorflow): void {
  const production = tf.env().getBool('PROD');
  tf.env().set('PROD', true);
  tf.scalar(0).dispose();
  tf.env().set('PROD', production);
}

function resolve(require: NodeJS.Require, name: string): string | undefined {
  try {
    return require.resolve(name);
  } catch {
    return undefined;
  }
}
