/** The build as `npm start` and `npm test` use it: silent, skipped when nothing changed, all or nothing. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { repository } from './built-package.ts';

let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'build-'));
  for (const folder of ['src', 'models', 'exporters', 'runtime', 'tools']) mkdirSync(join(root, folder));
  for (const file of ['tools/build.mjs', 'tsconfig.json']) cpSync(join(repository, file), join(root, file));
  symlinkSync(join(repository, 'node_modules'), join(root, 'node_modules'));
  write('package.json', '{ "name": "small", "version": "1.0.0", "type": "module" }');
  write('package-lock.json', '{}');
  write(
    'tsdown.config.ts',
    `import { defineConfig } from 'tsdown';
    export default defineConfig({ entry: 'src/index.ts', fixedExtension: false, failOnWarn: true });`,
  );
  write('src/index.ts', 'export const answer: number = 41;\n');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string): void {
  writeFileSync(join(root, path), text);
}

function build() {
  const { status, stdout } = spawnSync(process.execPath, ['tools/build.mjs'], { cwd: root, encoding: 'utf8' });
  return { status, stdout };
}

const built = (): string => readFileSync(join(root, 'dist/index.js'), 'utf8');

it('builds what changed, whole, and says nothing on standard output', () => {
  expect(build()).toEqual({ status: 0, stdout: '' });
  expect(built()).toContain('41');
  expect(readdirSync(join(root, 'dist')).sort()).toEqual(['.stamp', 'index.js']);

  // Nothing changed: what is there stays.
  writeFileSync(join(root, 'dist/index.js'), 'as it was');
  expect(build()).toEqual({ status: 0, stdout: '' });
  expect(built()).toBe('as it was');

  write('src/index.ts', 'export const answer: number = 42;\n');
  expect(build()).toEqual({ status: 0, stdout: '' });
  expect(built()).toContain('42');

  // A source that cannot be built: the last good build stays, and nothing lies about.
  write('src/index.ts', `export { missing } from './missing.ts';\n`);
  expect(build()).toEqual({ status: 1, stdout: '' });
  expect(built()).toContain('42');
  expect(readdirSync(root).filter((name) => name.includes('dist'))).toEqual(['dist']);

  // A file that is new, or gone, counts as a change.
  write('src/missing.ts', 'export const missing = 43;\n');
  expect(build().status).toBe(0);
  expect(built()).toContain('43');
  rmSync(join(root, 'src/missing.ts'));
  expect(build().status).toBe(1);
});
