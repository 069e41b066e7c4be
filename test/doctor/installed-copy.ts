/** The built package in an app of its own, whose parts a test takes away or spoils; the packages it needs are links. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import type { Diagnosis } from '../../src/doctor/diagnose.ts';
import type { GroupedFinding } from '../../src/doctor/finding.ts';
import { repository } from '../package/built-package.ts';

export interface InstalledCopy {
  readonly folder: string;
  /** Of a package in its node_modules. */
  path(name: string): string;
  /** Takes a package away. */
  remove(name: string): void;
  /** Makes a package a copy that can be spoilt: others share what is a link. */
  own(name: string): string;
  dispose(): void;
}

export function installCopy(): InstalledCopy {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
  const modules = join(folder, 'node_modules');
  const home = join(modules, 'recurrent-onnx');
  mkdirSync(home, { recursive: true });
  cpSync(join(repository, 'dist'), join(home, 'dist'), { recursive: true });
  cpSync(join(repository, 'package.json'), join(home, 'package.json'));
  for (const name of packagesIn(join(repository, 'node_modules'))) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(repository, 'node_modules', name), join(modules, name));
  }
  const path = (name: string) => join(modules, name);
  return {
    folder,
    path,
    remove: (name) => rmSync(path(name)),
    own(name) {
      rmSync(path(name), { force: true });
      const filter = (file: string) => !otherSystems.test(file); // 250 MB of onnxruntime
      cpSync(join(repository, 'node_modules', name), path(name), { recursive: true, filter });
      return path(name);
    },
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const otherSystems = /\/bin\/napi-v6\/(?:darwin|win32|linux\/arm64)/;

function packagesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      name.startsWith('@') ? readdirSync(join(folder, name)).map((inner) => `${name}/${inner}`) : [name],
    );
}

export interface Examined {
  readonly status: number;
  readonly diagnosis: Diagnosis & { readonly lacking: readonly string[] };
  readonly stderr: string;
  find(name: string): GroupedFinding;
}

export interface Conditions {
  readonly env?: Readonly<Record<string, string>>;
  /** Flags of Node. */
  readonly flags?: readonly string[];
  readonly uid?: number | undefined;
}

/** Runs `recurrent doctor --json …` as a child under `conditions`. @param main path of the built command line */
export function examine(
  main: string,
  args: readonly string[],
  { env = {}, flags = [], uid }: Conditions = {},
): Promise<Examined> {
  const { LD_LIBRARY_PATH: _, ...inherited } = process.env;
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [...flags, main, 'doctor', '--json', '--quiet', ...args],
      { env: { ...inherited, ...env }, ...(uid === undefined ? {} : { uid, gid: uid }) },
      (error, stdout, stderr) => {
        if (stdout === '') return reject(new Error(stderr));
        expect(stdout.trimEnd().split('\n')).toHaveLength(1);
        const diagnosis = JSON.parse(stdout) as Examined['diagnosis'];
        resolve({
          status: typeof error?.code === 'number' ? error.code : 0,
          diagnosis,
          stderr,
          find: (name) => {
            const found = diagnosis.findings.find((finding) => finding.name === name);
            if (!found) throw new Error(`no finding ${name} in ${stdout}`);
            return found;
          },
        });
      },
    );
  });
}
