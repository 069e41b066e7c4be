/**
 * Real shared libraries, compiled here: empty, under the names that CUDA's have. The loader takes them for the real
 * ones, which is all that is asked of them; nothing is computed with them.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Why there is no such library to be had; undefined where there is. */
export const compilerMissing =
  process.platform !== 'linux'
    ? 'the loader of glibc is asked, on Linux'
    : spawnSync('cc', ['--version']).status === 0
      ? undefined
      : 'cc is not installed';

export interface Stub {
  /** E.g. `libcudnn.so.9`. */
  readonly name: string;
  /** Name of the file that `name` links to, e.g. `libcudnn.so.9.10.2`. */
  readonly file?: string;
  /** Names of the libraries that it needs; they must lie in the same folder. */
  readonly needs?: readonly string[];
}

/** Compiles libraries into `folder`, in their order. */
export function compileStubs(folder: string, stubs: readonly Stub[]): string {
  mkdirSync(folder, { recursive: true });
  const source = join(folder, 'empty.c');
  writeFileSync(source, 'int recurrent_stub(void) { return 0; }\n');
  for (const { name, file = name, needs = [] } of stubs) {
    const libraries = needs.map((needed) => `-l:${needed}`);
    const linker = [`-Wl,-soname,${name}`, '-Wl,--no-as-needed', `-L${folder}`, ...libraries];
    execFileSync('cc', ['-shared', '-fPIC', '-o', join(folder, file), source, ...linker]);
    if (file !== name) symlinkSync(file, join(folder, name));
  }
  return folder;
}

/**
 * An executable nvidia-smi that prints `says` and ends with `status`: a stand-in, as the real one needs a device. What
 * it prints has the form of the real one under the same query.
 */
export function standInSmi(folder: string, says: string, status = 0): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'nvidia-smi'), `#!/bin/sh\nprintf '%s\\n' '${says}'\nexit ${status}\n`, { mode: 0o755 });
  return folder;
}
