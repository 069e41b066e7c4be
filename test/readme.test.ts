/**
 * Runs what the documentation shows. A block of `js`, `ts` or `sh` under the line `<!-- run -->` is run for real
 * against the built package: the blocks of a page one after the other, in one folder that holds `examples/`. A block of
 * `text` under `<!-- prints -->` after it is what it printed. Of commands that are only shown the options exist.
 */
import { execFile, execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { build, repository } from './package/built-package.ts';

type Language = 'js' | 'ts' | 'sh';

interface Block {
  readonly language: Language;
  readonly code: string;
  /** Line of the page on which the code begins. */
  readonly line: number;
  /** What the page says that it prints. */
  readonly prints: string | undefined;
}

const marked =
  /^<!-- run -->\n(?:\n*)```(?<language>\w+)\n(?<code>[\s\S]*?)\n```$(?:\n\n<!-- prints -->\n```text\n(?<prints>[\s\S]*?)\n```$)?/gm;

function blocksOf(page: string): Block[] {
  const text = readFileSync(join(repository, page), 'utf8');
  return [...text.matchAll(marked)].map((match) => {
    const { language = '', code = '', prints } = match.groups ?? {};
    const line = text.slice(0, match.index).split('\n').length + 2;
    if (language !== 'js' && language !== 'ts' && language !== 'sh') {
      throw new Error(`${page}:${line}: a block of ${language} cannot be run`);
    }
    return { language, code, line, prints };
  });
}

const pages = [
  'README.md',
  'README.ko.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(repository, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .sort()
    .map((file) => `docs/${file}`),
];

/** A folder in which the package is installed and its command is at hand. */
async function createApp(): Promise<string> {
  const app = await mkdtemp(join(tmpdir(), 'readme-'));
  await writeFile(join(app, 'package.json'), '{ "private": true, "type": "module" }');
  await mkdir(join(app, 'node_modules/.bin'), { recursive: true });
  await symlink(repository, join(app, 'node_modules/recurrent-onnx'));
  await symlink(join(repository, 'node_modules/@types'), join(app, 'node_modules/@types'));
  await symlink(join(repository, 'dist/cli/main.js'), join(app, 'node_modules/.bin/recurrent'));
  await symlink(join(repository, 'examples'), join(app, 'examples'));
  return app;
}

const commandOf = {
  js: (file: string) => [process.execPath, file],
  ts: (file: string) => [process.execPath, file],
  sh: (file: string) => ['bash', '-euo', 'pipefail', file],
} as const satisfies Record<Language, (file: string) => string[]>;

/** Writes the block as a program. TypeScript is held against the package's types first. */
async function writeProgram({ language, code, line }: Block, app: string): Promise<string> {
  const file = join(app, `line-${line}.${language}`);
  await writeFile(file, code);
  if (language !== 'ts') return file;
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
  execFileSync(process.execPath, [join(repository, 'node_modules/typescript/bin/tsc'), ...options, file], { cwd: app });
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
  });
  await writeFile(`${file}.js`, outputText);
  return `${file}.js`;
}

/** Without the reviews of IMDB, which not every machine has. */
function environment(app: string, path: string): NodeJS.ProcessEnv {
  const { RECURRENT_IMDB: _, ...env } = process.env;
  return { ...env, PATH: path, XDG_CACHE_HOME: join(app, 'cache') };
}

beforeAll(build);

describe.each(pages.map((page) => ({ page, blocks: blocksOf(page) })).filter(({ blocks }) => blocks.length > 0))(
  '$page',
  ({ blocks }) => {
    let app: string;
    beforeAll(async () => {
      app = await createApp();
    });
    afterAll(() => rm(app, { recursive: true, force: true }));

    it.each(blocks)('line $line: the $language runs', async (block) => {
      const [command = '', ...args] = commandOf[block.language](await writeProgram(block, app));
      const path = [join(app, 'node_modules/.bin'), process.env.PATH].join(delimiter);
      // A program that fails rejects, and vitest shows its standard error.
      const { stdout } = await promisify(execFile)(command, args, { cwd: app, env: environment(app, path) });
      if (block.prints !== undefined) expect(stdout).toBe(`${block.prints}\n`);
    });
  },
);

it('README.md has a program and commands that are run', () => {
  const languages = new Set(blocksOf('README.md').map(({ language }) => language));
  expect(languages).toContain('sh');
  expect(languages.has('js') || languages.has('ts')).toBe(true);
});

/** Programs and commands, without what they say to people. */
const programsOf = (page: string) =>
  [...readFileSync(join(repository, page), 'utf8').matchAll(/^```(?:js|ts|sh)\n([\s\S]*?)\n```$/gm)].map(
    ([, code = '']) => code.replaceAll(/ *(?:\/\/|# ).*$/gm, ''),
  );
const figuresOf = (page: string) => readFileSync(join(repository, page), 'utf8').match(/^\| \d[\d .%e|-]+\|$/gm);

it.each([
  ['README.md', 'README.ko.md'],
  ['docs/tutorial.md', 'docs/tutorial.ko.md'],
])('%s and %s show the same programs and figures', (english, korean) => {
  expect(programsOf(korean)).toEqual(programsOf(english));
  expect(figuresOf(korean)).toEqual(figuresOf(english));
});
