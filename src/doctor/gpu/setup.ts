/**
 * Does what a plan says, and undoes it. What was put where stands in a record in the cache before anything is put
 * there, so that a setup that was broken off, by a fault or Ctrl-C, can be undone like any other; and what was there
 * before is never taken away.
 */
import { spawn } from 'node:child_process';
import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { cacheFolder } from '../../core/cache-folder.ts';
import { fail } from '../../core/errors.ts';
import { writeFileAtomically } from '../../core/files.ts';
import { formatBytes } from '../../core/format-bytes.ts';
import {
  installFlag,
  installScript,
  libraryFolder,
  packagesFor,
  providerFiles,
  type SetupPlan,
  type SetupStep,
  wheel,
} from './setup-plan.ts';

export interface SetupOptions {
  /** Takes the lines that the programs print. */
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

const recordFile = (): string => join(cacheFolder(), 'gpu-setup.json');

/** What an undo removes: files and folders. */
export function recordedPaths(): readonly string[] {
  if (!existsSync(recordFile())) return [];
  return (JSON.parse(readFileSync(recordFile(), 'utf8')) as { readonly paths: readonly string[] }).paths;
}

/** Keeps a record of `paths`, or none where there are none. */
async function record(paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return rmSync(recordFile(), { force: true });
  mkdirSync(cacheFolder(), { recursive: true });
  await writeFileAtomically(recordFile(), `${JSON.stringify({ paths }, undefined, 2)}\n`);
}

/** Removes what setups put here. @returns what was removed */
export function undoSetup(): readonly string[] {
  const removed = recordedPaths().filter((path) => existsSync(path));
  for (const path of removed) rmSync(path, { recursive: true });
  rmSync(recordFile(), { force: true });
  return removed;
}

/** @throws FILE_ACCESS, DOWNLOAD_FAILED, PACKAGE_MISSING (Python), INTERRUPTED */
export async function runSetup(plan: SetupPlan, options: SetupOptions): Promise<void> {
  const steps = plan.steps.filter(({ isThere }) => !isThere);
  for (const step of steps) checkRoom(step);
  for (const step of steps) {
    const before = recordedPaths();
    const paths = step.name === 'libraries' ? [step.folder] : pathsOf(step, plan);
    await record([...new Set([...before, ...paths])]);
    try {
      await install(step, plan, options);
    } catch (error) {
      for (const path of paths) rmSync(path, { recursive: true, force: true });
      await record(before.filter((path) => existsSync(path))); // what somebody else puts there is not ours to remove
      throw error;
    }
  }
}

/** The install script brings the library for TensorRT as well. */
function pathsOf({ folder }: SetupStep, { source }: SetupPlan): string[] {
  const more = source === 'nuget' ? ['libonnxruntime_providers_tensorrt.so'] : [];
  return [...providerFiles, ...more].map((file) => join(folder, file)).filter((file) => !existsSync(file));
}

function checkRoom({ what, folder, bytes }: SetupStep): void {
  const there = existing(folder);
  try {
    accessSync(there, constants.W_OK);
  } catch (error) {
    fail(
      'FILE_ACCESS',
      `${what} would lie in ${folder}, which you may not write to`,
      'Run it as the user who installed the package.',
      error,
    );
  }
  const { bavail, bsize } = statfsSync(there);
  if (bavail * bsize < 2 * bytes) {
    fail(
      'FILE_ACCESS',
      `${what} needs ${formatBytes(2 * bytes)} in ${there}, there are ${formatBytes(bavail * bsize)}`,
      'Make room, or move the cache with XDG_CACHE_HOME.',
    );
  }
}

function existing(folder: string): string {
  return existsSync(folder) ? folder : existing(dirname(folder));
}

async function install(step: SetupStep, plan: SetupPlan, options: SetupOptions): Promise<void> {
  if (step.name === 'libraries') {
    rmSync(step.folder, { recursive: true, force: true }); // of a setup that was killed
    await pip(['install', '--only-binary=:all:', '--target', step.folder, ...packagesFor(plan.source)], options);
    linkLibraries(step.folder, libraryFolder(plan.requirement));
  } else if (plan.source === 'nuget') {
    await run('nuget.org', process.execPath, [installScript()], options, installFlag);
  } else {
    await takeFromWheel(step.folder, options);
  }
  const [folder, files] =
    step.name === 'provider'
      ? [step.folder, providerFiles]
      : [libraryFolder(plan.requirement), plan.requirement.libraries];
  const missing = files.filter((file) => !existsSync(join(folder, file)));
  if (missing.length > 0)
    fail('DOWNLOAD_FAILED', `${step.command} did not bring ${missing.join(', ')}`, 'Please report this.');
}

/** Each package has a folder of its own: one folder of links, so that one suffices in LD_LIBRARY_PATH. */
function linkLibraries(from: string, to: string): void {
  const files = readdirSync(from, { recursive: true, encoding: 'utf8' });
  mkdirSync(to);
  for (const file of files) {
    if (/\.so\.[\d.]+$/.test(file)) symlinkSync(join(from, file), join(to, basename(file)));
  }
}

/** Takes the provider's files out of the Python package. */
async function takeFromWheel(target: string, options: SetupOptions): Promise<void> {
  mkdirSync(cacheFolder(), { recursive: true });
  const scratch = mkdtempSync(join(cacheFolder(), '.unfinished-'));
  try {
    const tags = [
      '--platform',
      'manylinux_2_28_x86_64',
      '--implementation',
      'cp',
      '--python-version',
      '3.11',
      '--abi',
      'cp311',
    ];
    await pip(['download', '--no-deps', '--only-binary=:all:', ...tags, '--dest', scratch, wheel()], options);
    const program = [
      'import glob, sys, zipfile',
      'archive = zipfile.ZipFile(glob.glob(sys.argv[1] + "/*.whl")[0])',
      '[archive.extract("onnxruntime/capi/" + name, sys.argv[1]) for name in sys.argv[2:]]',
    ].join('\n');
    await run('the wheel', 'python3', ['-c', program, scratch, ...providerFiles], options);
    for (const file of providerFiles) {
      if (!existsSync(join(target, file))) copyFileSync(join(scratch, 'onnxruntime/capi', file), join(target, file));
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function pip(args: readonly string[], options: SetupOptions): Promise<void> {
  return run('PyPI', 'python3', ['-m', 'pip', '--disable-pip-version-check', ...args], options);
}

/**
 * Runs a program and waits until it has ended, stopped or not. It has a process group of its own, as `python3` may be a
 * script that starts the real one: whoever stops it stops all.
 *
 * @param source where the files come from, so that a fault can say what was not reached
 */
async function run(
  source: string,
  command: string,
  args: readonly string[],
  { say, signal }: SetupOptions,
  variables: Readonly<Record<string, string>> = {},
): Promise<void> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, ...variables },
  });
  const stop = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid);
    } catch {} // it has just ended by itself
  };
  signal.addEventListener('abort', stop);
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      if (line.trim()) lines.push(line);
      say(line);
    });
  }
  const status = await new Promise<number | string>((resolve) => {
    child.on('error', ({ message }) => resolve(message));
    child.on('close', (code, killed) => resolve(code ?? String(killed)));
  });
  signal.removeEventListener('abort', stop);
  if (status === 0 && !signal.aborted) return;
  if (signal.aborted)
    fail('INTERRUPTED', 'the setup was stopped', 'What the step at hand had brought is gone. Run it again.');
  if (typeof status === 'string' && status.includes('ENOENT')) {
    fail('PACKAGE_MISSING', `${command} is not installed`, 'Debian and Ubuntu: apt-get install python3 python3-pip');
  }
  fail(
    'DOWNLOAD_FAILED',
    `nothing came from ${source} (${lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? status})`,
    hints[source] ?? 'Please report this.',
  );
}

const hints: Readonly<Record<string, string>> = {
  'nuget.org':
    'Behind a proxy set GLOBAL_AGENT_HTTPS_PROXY. Where only a mirror of PyPI can be reached: recurrent setup gpu --from pypi.',
  PyPI: 'Point pip to your registry: pip config set global.index-url …',
};
