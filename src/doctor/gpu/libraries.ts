/**
 * Which shared libraries the system's loader finds, and where: asked of the loader itself. With
 * LD_TRACE_LOADED_OBJECTS glibc's loader lists what a program would load, and what of it is missing, and runs none of
 * it (ld.so(8)); with LD_PRELOAD the list is ours. So this sees LD_LIBRARY_PATH, ld.so.conf and the paths inside of
 * libraries as they are, and a library that crashes when it is loaded does no harm.
 */
import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { basename } from 'node:path';

export interface FoundLibrary {
  readonly name: string;
  /** Undefined: not found. */
  readonly path?: string | undefined;
  /** From the name of the file behind links, e.g. `9.10.2` of `libcudnn.so.9.10.2`; a bare major version otherwise. */
  readonly version?: string | undefined;
  /** Why the loader does not take what lies there, e.g. `file too short`. */
  readonly problem?: string | undefined;
}

export interface Traced {
  readonly found: ReadonlyMap<string, FoundLibrary>;
  /** Libraries that others among them need and the loader does not find. */
  readonly missing: readonly string[];
}

/**
 * @param names names such as `libcudnn.so.9`, or paths of files
 * @param folder where the loader would look first, if LD_LIBRARY_PATH began with it
 */
export function traceLibraries(names: readonly string[], folder?: string): Traced {
  const path = [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  const env = { ...process.env, LD_TRACE_LOADED_OBJECTS: '1', LD_PRELOAD: names.join(' '), LD_LIBRARY_PATH: path };
  const { stdout, stderr } = spawnSync(process.execPath, [], { env, encoding: 'utf8', timeout: 30_000 });
  const paths = new Map<string, string>();
  const missing: string[] = [];
  for (const line of (stdout ?? '').split('\n')) {
    const [, name = '', path = ''] = /^\s*(\S+) => (not found|\S+)/.exec(line) ?? /^\s*(\/\S+)()/.exec(line) ?? [];
    if (path === 'not found') missing.push(name);
    else if (name) paths.set(name, path || name);
  }
  const problems = new Map(
    [...(stderr ?? '').matchAll(/object '([^']+)' from LD_PRELOAD cannot be preloaded \((.*?)\)/g)].map(
      ([, name = '', problem = '']) => [name, problem],
    ),
  );
  const found = names.map((name): FoundLibrary => {
    const path = paths.get(name);
    if (path !== undefined) return { name, path, version: versionOf(path) };
    const problem = problems.get(name);
    return problem === undefined || /cannot open shared object file/.test(problem) ? { name } : { name, problem };
  });
  return { found: new Map(found.map((library) => [library.name, library])), missing: [...new Set(missing)] };
}

/** Libraries that `file` needs by its own list, found or not. */
export function neededBy(file: string): readonly string[] {
  const env = { ...process.env, LD_TRACE_LOADED_OBJECTS: '1', LD_PRELOAD: file };
  const { stdout } = spawnSync(process.execPath, [], { env, encoding: 'utf8', timeout: 30_000 });
  return [...(stdout ?? '').matchAll(/^\s*(\S+) => /gm)].map(([, name = '']) => name);
}

function versionOf(path: string): string | undefined {
  try {
    return /\.so\.([\d.]+)$/.exec(basename(realpathSync(path)))?.[1];
  } catch {
    return undefined;
  }
}
