import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { build, repository } from './built-package.ts';

const manifest = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
const { dependencies, peerDependencies, peerDependenciesMeta, devDependencies } = manifest;

beforeAll(build);

it('names only files that are built', () => {
  const targets = Object.values<string | Record<string, string>>(manifest.exports).flatMap((target) =>
    typeof target === 'string' ? [target] : Object.values(target),
  );
  expect(targets.filter((target) => !existsSync(join(repository, target)))).toEqual([]);
  expect(statSync(join(repository, manifest.bin.recurrent)).mode & 0o111).toBe(0o111);
});

it('gives users ranges, and developers exact versions', () => {
  for (const range of Object.values({ ...dependencies, ...peerDependencies })) expect(range).toMatch(/^[~^]\d/);
  for (const version of Object.values(devDependencies)) expect(version).toMatch(/^\d/);
});

it('asks nobody for a peer', () => {
  const required = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true);
  expect(required).toEqual([]);
});

it('has a reason in docs/dependencies.md for every package', () => {
  const page = readFileSync(join(repository, 'docs/dependencies.md'), 'utf8');
  // `@tensorflow/tfjs-core`, `-layers`, … share a line.
  const named = (name: string): boolean =>
    page.includes(`\`${name}\``) || page.includes(`\`${name.replace('@tensorflow/tfjs', '')}\``);
  const names = Object.keys({ ...dependencies, ...peerDependencies, ...devDependencies });
  expect(names.filter((name) => !named(name))).toEqual([]);
});
