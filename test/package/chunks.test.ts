/** What the built files load: the promises that dependency rules on the sources cannot make for the bundle. */
import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';
import { build, repository } from './built-package.ts';

interface Reach {
  /** Files of dist/ that are loaded, with their text. */
  readonly files: ReadonlyMap<string, string>;
  /** Packages that are loaded or can be, by the names they are imported under. */
  readonly packages: ReadonlySet<string>;
}

const dynamicImport = /\bimport\(/;
const requireCall = /\b(?:__require|require\w*)\("(?<name>[^"]+)"\)/g;

/** Names that a built file imports; `later` are those of `import("…")`. */
function importsOf(text: string): { readonly atOnce: readonly string[]; readonly later: readonly string[] } {
  const imported = ts.preProcessFile(text, true, true).importedFiles;
  const isLater = ({ pos }: ts.FileReference) => dynamicImport.test(text.slice(pos - 12, pos));
  const names = (files: readonly ts.FileReference[]) => files.map(({ fileName }) => fileName);
  return { atOnce: names(imported.filter((each) => !isLater(each))), later: names(imported.filter(isLater)) };
}

/** Follows the imports of a built file: static ones, `import("…")` and `require("…")`, or those at once alone. */
function reachOf(entry: string, when: 'ever' | 'at once' = 'ever'): Reach {
  const files = new Map<string, string>();
  const packages = new Set<string>();
  const waiting = [join(repository, 'dist', entry)];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (files.has(file)) continue;
    const text = readFileSync(file, 'utf8');
    files.set(file, text);
    const { atOnce, later } = importsOf(text);
    const required = [...text.matchAll(requireCall)].map((match) => match.groups?.name ?? '');
    for (const name of [...atOnce, ...(when === 'ever' ? [...later, ...required] : [])]) {
      if (name.startsWith('.')) waiting.push(join(dirname(file), name));
      else if (!isBuiltin(name)) packages.add(name);
    }
  }
  return { files, packages };
}

/** Chunks into which onnx-proto was bundled: the names of its messages are in its code. */
const holdsOnnxMessages = (text: string): boolean => text.includes('TensorShapeProto');

beforeAll(build);

describe('the built runtime', () => {
  it('loads onnxruntime and nothing else', () => {
    const { packages } = reachOf('runtime/index.js');
    expect([...packages].sort()).toEqual(['onnxruntime-node']);
  });

  it('loads little at once: no zod, and of Node nothing that takes milliseconds', () => {
    const { files, packages } = reachOf('runtime/index.js', 'at once');
    const all = [...files.values()].join('\n');
    expect([...packages]).toEqual([]);
    expect(all).not.toContain('ZodType');
    expect(all).not.toMatch(/from "node:(?:crypto|child_process|net|http|worker_threads)"/);
    expect(Buffer.byteLength(all)).toBeLessThan(120_000); // read, parsed and compiled at each start of an app
    const ever = [...reachOf('runtime/index.js').files.values()].join('\n');
    expect(ever).toContain('ZodType');
    expect(ever).toContain('from "node:child_process"');
  });

  it('hides its search for onnxruntime-node from webpack, which would answer with the number of a module', () => {
    for (const [file, text] of reachOf('runtime/index.js').files) {
      expect(text, file).not.toMatch(/import\s*\{[^}]*\bcreateRequire\b/);
    }
  });

  it('holds neither TensorFlow.js nor the ONNX messages', () => {
    for (const [file, text] of reachOf('runtime/index.js').files) {
      expect(text, file).not.toContain('@tensorflow/');
      expect(holdsOnnxMessages(text), file).toBe(false);
    }
  });
});

describe('the part for browsers', () => {
  it('is one file that loads onnxruntime-web and nothing else, neither at once nor later', () => {
    const { files, packages } = reachOf('web/index.js');
    expect(files.size).toBe(1);
    expect([...packages]).toEqual(['onnxruntime-web/wasm']);
    const [text = ''] = files.values();
    expect(text.match(/\bimport\([^)]*\)/g)).toEqual(['import(`onnxruntime-web/wasm`)']);
    expect(text.match(/\brequire\(|\bfrom\s*["'`]|["'`]node:/)).toBeNull();
  });

  it('is small, and has the licence of zod, which is in it, beside it', () => {
    const [text = ''] = reachOf('web/index.js').files.values();
    expect(gzipSync(text).length).toBeLessThan(40_000); // bytes, as a page loads it
    expect(readFileSync(join(repository, 'dist/web/zod.LICENSE'), 'utf8')).toContain('Permission is hereby granted');
  });
});

describe('the built package', () => {
  const { exports } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
  const entries: string[] = Object.values<string | { default: string }>(exports)
    .map((target) => (typeof target === 'string' ? target : target.default))
    .filter((target) => target.endsWith('.js'))
    .map((target) => target.replace('./dist/', ''))
    .concat('cli/main.js');

  it.each(entries)('%s loads no package that users may lack before it is asked for', (entry) => {
    for (const [file, text] of reachOf(entry).files) {
      expect(
        importsOf(text).atOnce.filter((name) =>
          /^@grpc\/|^@tensorflow\/|^@stdlib\/|^@resvg\/|^onnxruntime-web|^dejavu-fonts-ttf|^onnx-proto$/.test(name),
        ),
        file,
      ).toEqual([]);
    }
  });

  it('has the ONNX messages in it, so that no user gets the protobufjs 6 that onnx-proto asks for', () => {
    const { files, packages } = reachOf('exporters/index.js');
    expect([...files.values()].some(holdsOnnxMessages)).toBe(true);
    expect([...packages]).not.toContain('onnx-proto');
    expect(readFileSync(join(repository, 'dist/onnx-proto.LICENSE'), 'utf8')).toContain('Permission is hereby granted');
  });
});
