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
import { fail } from '../../../core/errors.ts';

/** The functions of tfjs-core and tfjs-layers under one name, as in `@tensorflow/tfjs`. */
export type Tensorflow = typeof import('@tensorflow/tfjs-core') & typeof import('@tensorflow/tfjs-layers');

export interface LoadedTensorflow {
  readonly tf: Tensorflow;
  /** What runs, e.g. `TensorFlow.js 4.22.0 (cpu backend)`. */
  readonly description: string;
  /** One line: what runs, and why not the faster ones. */
  readonly note: string;
}

type Attempt = { readonly tf: Tensorflow } | { readonly reason: string };

const cpuPackages = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', '@tensorflow/tfjs-backend-cpu'] as const;

const installHint = `Run: npm install ${cpuPackages.map((name) => `${name}@4.22.0`).join(' ')}`;

const loaded = new Map<string, Promise<LoadedTensorflow>>();

/**
 * Loads the fastest TensorFlow.js there is: `@tensorflow/tfjs-node-gpu`, then `@tensorflow/tfjs-node` (each only with
 * its native binding), then the packages in plain JavaScript. Loads once; later calls give the same.
 *
 * @param from file or URL from which packages are looked up
 * @throws ENGINE_MISSING with the command that installs one
 */
export function loadTensorflow(from: string = import.meta.url): Promise<LoadedTensorflow> {
  const known = loaded.get(from) ?? load(createRequire(from));
  loaded.set(from, known);
  return known;
}

async function load(require: NodeJS.Require): Promise<LoadedTensorflow> {
  const rejected: string[] = [];
  for (const name of ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const) {
    const attempt = tryNative(require, name);
    if ('tf' in attempt) {
      await attempt.tf.ready();
      return report(attempt.tf, `native, ${name}`, rejected);
    }
    rejected.push(`${name}: ${attempt.reason}`);
  }
  const attempt = tryCpu(require);
  if ('tf' in attempt) {
    await attempt.tf.setBackend('cpu');
    silenceBanner(attempt.tf);
    return report(attempt.tf, 'cpu backend', rejected);
  }
  return fail('ENGINE_MISSING', `TensorFlow.js cannot be loaded: ${attempt.reason}`, installHint);
}

function report(tf: Tensorflow, kind: string, rejected: readonly string[]): LoadedTensorflow {
  const description = `TensorFlow.js ${tf.version_core} (${kind})`;
  return { tf, description, note: [description, ...rejected].join('; ') };
}

function tryNative(require: NodeJS.Require, name: string): Attempt {
  const entry = resolve(require, name);
  if (entry === undefined) return { reason: 'not installed' };
  // Without its binding the package throws, but only after it has loaded and registered everything else it has.
  if (!hasBinding(dirname(dirname(entry)))) return { reason: 'its native binding is not there' };
  restoreRemovedUtilities(require);
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'; // warnings of the native library would land among our output
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

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0] as string;
}
