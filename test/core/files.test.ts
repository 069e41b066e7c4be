import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import ts from 'typescript';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RecurrentError } from '../../src/core/errors.ts';
import { fileError, readFileWhole, writeFileAtomically } from '../../src/core/files.ts';

let root: string;
let folder: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'files-'));
  await chmod(root, 0o755); // one test reads it as another user
  await transpileCore(join(root, 'core'));
});
afterAll(() => rm(root, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(root, 'case-'));
});

/** The modules under test as JavaScript, for child processes. */
async function transpileCore(to: string): Promise<void> {
  await mkdir(to);
  await writeFile(join(to, 'package.json'), '{ "type": "module" }');
  for (const name of ['errors', 'files']) {
    const source = await readFile(fileURLToPath(new URL(`../../src/core/${name}.ts`, import.meta.url)), 'utf8');
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: {
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.ESNext,
        rewriteRelativeImportExtensions: true,
      },
    });
    await writeFile(join(to, `${name}.js`), outputText);
  }
}

/** Program text for a child process in which `writeFileAtomically` is at hand; what it throws is printed as JSON. */
function program(body: string): string[] {
  const files = JSON.stringify(join(root, 'core', 'files.js'));
  return ['--input-type=module', '--eval', `import { writeFileAtomically } from ${files};\n${body}`];
}

const writeAndReport = (path: string, contents: string): string[] =>
  program(`try { await writeFileAtomically(${JSON.stringify(path)}, ${contents}); console.log('written'); }
    catch (error) { console.log(JSON.stringify(error)); }`);

/** Settles with what the promise was rejected with. */
async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => expect.unreachable(`expected an error, got ${String(value)}`),
    (error: unknown) => error,
  );
}

describe('writeFileAtomically', () => {
  it('writes exactly what it is given, over what was there', async () => {
    const path = join(folder, 'file');
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.uint8Array({ maxLength: 5000 }), fc.string({ unit: 'grapheme' })),
        async (contents) => {
          await writeFileAtomically(path, contents);
          expect(Buffer.compare(readFileSync(path), Buffer.from(contents as string))).toBe(0);
        },
      ),
      { numRuns: 30 },
    );
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('makes the folders on the way', async () => {
    const path = join(folder, 'a', 'b', 'file');
    await writeFileAtomically(path, 'text');
    expect(readFileSync(path, 'utf8')).toBe('text');
  });

  it('lets the last of many writers at once win whole', async () => {
    const path = join(folder, 'file');
    const texts = Array.from({ length: 20 }, (_, index) => String(index).repeat(10_000));
    await Promise.all(texts.map((text) => writeFileAtomically(path, text)));
    expect(texts).toContain(readFileSync(path, 'utf8'));
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('leaves the old or the new file, whole, when its process is killed at any moment', async () => {
    const path = join(folder, 'file');
    const length = 2_000_000;
    await writeFileAtomically(path, 'a'.repeat(length));
    let killedWhileWriting = 0;
    for (let round = 0; round < 12 || (killedWhileWriting === 0 && round < 100); round++) {
      const child = spawn(
        process.execPath,
        program(`const contents = ['a', 'b'].map((letter) => letter.repeat(${length}));
          console.log('ready');
          for (let turn = 0; ; turn++) await writeFileAtomically(${JSON.stringify(path)}, contents[turn % 2]);`),
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      await ready(child);
      await sleep(3 * round);
      child.kill('SIGKILL');
      await once(child, 'exit');

      const text = readFileSync(path, 'utf8');
      expect(text.length).toBe(length);
      expect(['a', 'b'].map((letter) => letter.repeat(length))).toContain(text);

      const leftOver = (await readdir(folder)).filter((name) => name !== 'file');
      killedWhileWriting += leftOver.length;
      for (const name of leftOver) await rm(join(folder, name));
    }
    // Only then did a kill fall between the first byte and the renaming, which is what this is about.
    expect(killedWhileWriting).toBeGreaterThan(0);
  });

  it('reports a folder where a file should go, and leaves nothing', async () => {
    await mkdir(join(folder, 'taken'));
    const error = await rejection(writeFileAtomically(join(folder, 'taken'), 'text'));
    expect(error).toMatchObject({ code: 'FILE_ACCESS', message: expect.stringContaining('taken') });
    expect(await readdir(folder)).toEqual(['taken']);
  });

  it('reports a file where a folder should be', async () => {
    await writeFile(join(folder, 'file'), 'text');
    const error = await rejection(writeFileAtomically(join(folder, 'file', 'below'), 'text'));
    expect(error).toMatchObject({ code: 'FILE_ACCESS' });
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('text');
  });

  it('reports a folder that may not be written to, and leaves the old file', async () => {
    const path = join(folder, 'file');
    await writeFile(path, 'old');
    await chmod(folder, 0o555);
    // The superuser may write anywhere, so then the child runs as nobody.
    const asNobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
    const output = execFileSync(process.execPath, writeAndReport(path, `'new'`), { encoding: 'utf8', ...asNobody });
    expect(JSON.parse(output)).toMatchObject({
      code: 'FILE_ACCESS',
      hint: expect.stringContaining('may read and write'),
    });
    expect(await readdir(folder)).toEqual(['file']);
    expect(readFileSync(path, 'utf8')).toBe('old');
  });

  it('reports a full disk, and leaves the old file', (context) => {
    // A disk of 64 KiB, mounted in a namespace of the child alone: it is gone when the child is.
    const inSmallDisk = (command: readonly string[]): string =>
      execFileSync(
        'unshare',
        [
          '--user',
          '--map-root-user',
          '--mount',
          'sh',
          '-c',
          `mount -t tmpfs -o size=64k tmpfs "$0" && "$@"`,
          folder,
        ].concat(command),
        { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
      );
    try {
      inSmallDisk(['true']);
    } catch (error) {
      context.skip(`a small disk cannot be mounted here: ${String(error).split('\n')[0]}`);
    }
    const path = join(folder, 'file');
    const report = writeAndReport(path, `'n'.repeat(100_000)`);
    const script = 'echo old > "$1"; shift; "$@"; ls -A "$0"; cat "$0/file"';
    const output = inSmallDisk(['sh', '-c', script, folder, path, process.execPath, ...report]).split('\n');
    expect(JSON.parse(output[0] ?? '')).toMatchObject({
      code: 'FILE_ACCESS',
      hint: expect.stringContaining('disk is full'),
    });
    expect(output.slice(1)).toEqual(['file', 'old', '']);
  });
});

async function ready(child: ChildProcess): Promise<void> {
  if (child.stdout === null) throw new Error('the child has no standard output');
  await once(child.stdout, 'data');
}

describe('readFileWhole', () => {
  it('reads what is there', async () => {
    await writeFile(join(folder, 'file'), Uint8Array.of(0, 255, 10));
    expect([...(await readFileWhole(join(folder, 'file')))]).toEqual([0, 255, 10]);
  });

  it.each([
    ['nothing', 'absent', 'FILE_NOT_FOUND', 'does not exist'],
    ['a folder', '.', 'FILE_NOT_FOUND', 'is a folder'],
    ['a path through a file', join('file', 'below'), 'FILE_NOT_FOUND', 'does not exist'],
    ['a circle of links', 'circle', 'FILE_ACCESS', 'cannot read'],
  ])('reports %s', async (_, name, code, message) => {
    await writeFile(join(folder, 'file'), 'text');
    await symlink('circle', join(folder, 'circle'));
    const path = join(folder, name);
    const error = await rejection(readFileWhole(path));
    expect(error).toBeInstanceOf(RecurrentError);
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
    expect((error as Error).message).toContain(path);
  });
});

describe('fileError', () => {
  const system = (code: string): NodeJS.ErrnoException => Object.assign(new Error(`${code}: it went wrong`), { code });

  it('passes on an error of the catalogue', () => {
    const known = new RecurrentError('DATA_INVALID', 'what', 'do');
    expect(fileError(known, 'path', 'read')).toBe(known);
  });

  it.each(['EACCES', 'EPERM', 'EROFS', 'EMFILE', 'EIO', 'ENOSPC'])('keeps %s as the cause of FILE_ACCESS', (code) => {
    const cause = system(code);
    const error = fileError(cause, 'some/path', 'write');
    expect(error.code).toBe('FILE_ACCESS');
    expect(error.cause).toBe(cause);
    expect(error.message).toBe(`cannot write some/path: ${code}: it went wrong`);
    expect(error.hint.includes('disk is full')).toBe(code === 'ENOSPC');
  });

  it('tells a missing folder while writing from a missing file while reading', () => {
    expect(fileError(system('ENOENT'), 'path', 'read').code).toBe('FILE_NOT_FOUND');
    expect(fileError(system('ENOENT'), 'path', 'write').code).toBe('FILE_ACCESS');
  });
});
