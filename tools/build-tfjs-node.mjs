/**
 * Builds the native binding of TensorFlow.js for Node where its install script cannot: behind a closed network, or with
 * install scripts off. Linux on x64.
 *
 *   node tools/build-tfjs-node.mjs [--project <folder>] [--wheel <file>]
 *
 * The install script of `@tensorflow/tfjs-node` downloads TensorFlow's C library and a compiled binding from a storage
 * host. This takes both from package registries: the sources of the binding are in the npm package, and the wheel of
 * `tensorflow-cpu` on PyPI holds a library with the whole C interface. The result lies where the install script would
 * have put it, in `lib/` and `deps/` of the installed package (`@tensorflow/tfjs-node`, else `@tensorflow/tfjs-node-gpu`,
 * whose sources are the same), so that every program of the project finds it. `npm ci` removes it with the package.
 *
 * The library, 850 MB, is kept once for all projects in the user's cache; with it there, a build takes half a minute.
 * Run it as often as you like: what is there and works is left alone. Each step works in a folder of its own, which
 * takes its place when it is complete.
 *
 * --project  whose node_modules to use; default: this repository
 * --wheel    the wheel as a file, where pip cannot download it
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const wheel = {
  requirement: 'tensorflow-cpu==2.21.0',
  /** The library is the same in the wheels of all Python versions; this one is pinned. */
  tags: ['--platform', 'manylinux_2_27_x86_64', '--implementation', 'cp', '--python-version', '3.11', '--abi', 'cp311'],
  name: 'tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl',
  sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
};

/** What of the wheel is needed: the library in two parts, and of 13,000 headers those that the C interface includes. */
const library = 'libtensorflow_cc.so.2';
const framework = 'libtensorflow_framework.so.2';
const headers = ['tensorflow/c/', 'tensorflow/core/platform/', 'tsl/platform/', 'xla/tsl/c/'];

const bytesNeeded = 2e9; // wheel and library, side by side while one is unpacked
const napi = 8;

// Without a handler Ctrl-C would end this process at once; with one, the command at hand ends, and then what it left goes.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

try {
  await main();
} catch (error) {
  console.error(`build-tfjs-node: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

async function main() {
  const { project, wheel: wheelFile } = parseArgs({
    options: {
      project: { type: 'string', default: fileURLToPath(new URL('..', import.meta.url)) },
      wheel: { type: 'string' },
    },
  }).values;
  refuseOtherPlatforms();
  const target = findPackage(resolve(project));
  console.log(`package: ${target.name} ${target.version} in ${target.folder}`);
  if (existsSync(join(target.folder, `lib/napi-v${napi}/tfjs_binding.node`))) {
    const { works, said } = tryPackage(target.folder);
    if (works) {
      console.log(`the binding is there and works: ${said}`);
      return;
    }
    console.log(`the binding is there but does not work, so it is built again: ${said}`);
  }

  const tools = findTools();
  const libraryFolder = await provideLibrary(tools.python, wheelFile);
  buildBinding(target.folder, libraryFolder, tools.nodeGyp);
  const { works, said } = tryPackage(target.folder);
  if (!works) throw new Error(`the binding was built, but does not work: ${said}`);
  console.log(`built, and works: ${said}`);
}

function refuseOtherPlatforms() {
  if (process.platform === 'linux' && process.arch === 'x64') return;
  throw new Error(
    `this builds for Linux on x64, here is ${process.platform} on ${process.arch}. ` +
      'Reinstall @tensorflow/tfjs-node with install scripts on: it downloads a binding for your system.',
  );
}

/** The installed package whose sources are compiled. @param {string} project */
function findPackage(project) {
  const require = createRequire(join(project, 'package.json'));
  for (const name of ['@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu']) {
    try {
      const manifest = require.resolve(`${name}/package.json`);
      return { name, folder: dirname(manifest), version: JSON.parse(readFileSync(manifest, 'utf8')).version };
    } catch {}
  }
  throw new Error(
    `@tensorflow/tfjs-node is not installed in ${project}. ` +
      'Run there: npm install --ignore-scripts @tensorflow/tfjs-node@4.22.0',
  );
}

/** Everything that the build calls; all that is missing is said at once. */
function findTools() {
  /** @param {string} command */
  const answers = (command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
  const python = ['python3', 'python'].find(answers);
  const nodeGyp = [
    process.env.npm_config_node_gyp,
    join(dirname(process.execPath), '../lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js'),
    join(globalModules(), 'npm/node_modules/node-gyp/bin/node-gyp.js'),
    join(globalModules(), 'node-gyp/bin/node-gyp.js'),
  ].find((path) => path !== undefined && existsSync(path));
  const missing = [
    python === undefined && 'Python 3, which node-gyp needs (Debian: apt-get install python3 python3-pip)',
    !answers('make') && 'make (Debian: apt-get install make)',
    !answers('g++') && 'a C++ compiler (Debian: apt-get install g++)',
    nodeGyp === undefined && 'node-gyp, which is part of npm (else: npm install --global node-gyp)',
  ].filter((line) => line !== false);
  if (python === undefined || nodeGyp === undefined || missing.length > 0) {
    throw new Error(`these are missing:\n- ${missing.join('\n- ')}`);
  }
  return { python, nodeGyp };
}

function globalModules() {
  const { stdout } = spawnSync('npm', ['root', '--global'], { encoding: 'utf8' });
  return (stdout ?? '').trim();
}

/**
 * The folder with TensorFlow's library and its C headers, made when it is not there.
 *
 * @param {string} python @param {string | undefined} wheelFile
 */
async function provideLibrary(python, wheelFile) {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'recurrent-onnx');
  const folder = join(cache, wheel.name.replace(/\.whl$/, ''));
  if (existsSync(folder)) {
    console.log(`library: in ${folder}`);
    return folder;
  }
  mkdirSync(cache, { recursive: true });
  const { bavail, bsize } = statfsSync(cache);
  if (bavail * bsize < bytesNeeded) {
    throw new Error(`${cache} has ${Math.round((bavail * bsize) / 1e6)} MB left, ${bytesNeeded / 1e6} MB are needed`);
  }
  const scratch = mkdtempSync(join(cache, '.unfinished-'));
  try {
    const file = wheelFile === undefined ? download(python, scratch) : resolve(wheelFile);
    await checkDigest(file);
    console.log(`library: unpacking into ${folder}`);
    unpack(python, file, join(scratch, 'library'));
    if (!existsSync(folder)) renameSync(join(scratch, 'library'), folder);
    return folder;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** @param {string} python @param {string} folder */
function download(python, folder) {
  console.log(`library: pip downloads ${wheel.requirement}, 274 MB`);
  const args = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', ...wheel.tags, '--dest', folder];
  const { status } = spawnSync(python, [...args, '--disable-pip-version-check', wheel.requirement], {
    stdio: 'inherit',
  });
  if (status !== 0) {
    throw new Error(
      `pip could not download ${wheel.requirement}. Point pip to your registry (pip config set global.index-url …), ` +
        `or bring ${wheel.name} from PyPI and give it with --wheel.`,
    );
  }
  return join(folder, wheel.name);
}

/** @param {string} file */
async function checkDigest(file) {
  if (!existsSync(file)) throw new Error(`there is no file ${file}`);
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  const digest = hash.digest('hex');
  if (digest !== wheel.sha256) {
    throw new Error(`${file} is not ${wheel.name}: its SHA-256 is ${digest}, expected is ${wheel.sha256}`);
  }
}

/** @param {string} python @param {string} file @param {string} folder */
function unpack(python, file, folder) {
  const program = `
import sys, zipfile
file, folder, *wanted = sys.argv[1:]
with zipfile.ZipFile(file) as archive:
    for name in archive.namelist():
        if name in wanted or any(entry.endswith('/') and name.startswith(entry) for entry in wanted):
            archive.extract(name, folder)
`;
  const wanted = [
    ...[library, framework].map((name) => `tensorflow/${name}`),
    ...headers.map((path) => `tensorflow/include/${path}`),
  ];
  execFileSync(python, ['-c', program, file, folder, ...wanted], { stdio: ['ignore', 'inherit', 'inherit'] });
}

/**
 * Compiles in a folder of its own inside the package, then moves `deps` and, last, `lib` into place: the package looks
 * for the latter.
 *
 * @param {string} target @param {string} libraryFolder @param {string} nodeGyp
 */
function buildBinding(target, libraryFolder, nodeGyp) {
  console.log('binding: compiling, half a minute');
  const scratch = mkdtempSync(join(target, '.unfinished-'));
  try {
    for (const name of ['binding', 'binding.gyp']) cpSync(join(target, name), join(scratch, name), { recursive: true });
    const deps = join(scratch, 'deps');
    mkdirSync(join(deps, 'lib'), { recursive: true });
    symlinkSync(join(libraryFolder, 'tensorflow/include'), join(deps, 'include'));
    // The linker takes the first of each pair; at run time the binding asks for the second, by the library's own name.
    for (const { file, names } of [
      { file: library, names: ['libtensorflow.so', library] },
      { file: framework, names: ['libtensorflow_framework.so', framework] },
    ]) {
      for (const name of names) symlinkSync(join(libraryFolder, 'tensorflow', file), join(deps, 'lib', name));
    }

    const prefix = dirname(dirname(process.execPath));
    const ownHeaders = existsSync(join(prefix, 'include/node/node_api.h')) ? [`--nodedir=${prefix}`] : [];
    const module = [`--module_name=tfjs_binding`, `--module_path=${join(scratch, `lib/napi-v${napi}`)}`];
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [nodeGyp, 'configure', 'build', ...ownHeaders, ...module, `--napi_build_version=${napi}`],
      { cwd: scratch, encoding: 'utf8', maxBuffer: 1e8 },
    );
    if (status !== 0) {
      const headersHint = ownHeaders.length > 0 ? '' : ' (node-gyp had to download the headers of Node)';
      throw new Error(`node-gyp failed${headersHint}. It said:\n${stdout}${stderr}`);
    }
    for (const name of ['deps', 'lib']) {
      rmSync(join(target, name), { recursive: true, force: true });
      renameSync(join(scratch, name), join(target, name));
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * Loads the package in a process of its own and multiplies two matrices.
 *
 * tfjs-node 4.22 calls `util.isNullOrUndefined`, which Node 23 removed; the `tensorflow` engine gives it back before it
 * loads the package, and so does this.
 *
 * @param {string} folder
 */
function tryPackage(folder) {
  const program = `
const util = require('node:util');
Object.assign(util, { isNullOrUndefined: (value) => value == null, isArray: Array.isArray });
const tf = require(${JSON.stringify(folder)});
const [product] = tf.matMul([[1, 2]], [[3], [4]]).dataSync();
if (product !== 11) throw new Error('1 · 3 + 2 · 4 gave ' + product);
const { binding } = tf.backend();
console.log('TensorFlow ' + binding.TF_Version + ' under TensorFlow.js ' + tf.version_core);`;
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' };
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8', env });
  const works = status === 0;
  const said = works ? stdout : (/^(?:.*Error.*)$/m.exec(stderr)?.[0] ?? stderr);
  return { works, said: said.trim() };
}
