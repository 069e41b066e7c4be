/**
 * Compiles the kernels of the `wasm` engine from src/training/engines/wasm/assembly/ twice, for plain SIMD and with
 * relaxed SIMD, and writes both into one TypeScript file that is committed: whoever installs the package, runs a test
 * or bundles it needs neither the compiler nor a loader for binary files. Both import a memory that threads share.
 *
 * The compiler is pinned in package-lock.json and its output does not depend on the machine. With --check nothing is
 * written, and the status is 1 if the committed modules are not those of the committed sources.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { main } from 'assemblyscript/asc';

const engine = fileURLToPath(new URL('../src/training/engines/wasm', import.meta.url));
const path = join(engine, 'modules.ts');

/** @param {readonly string[]} features */
async function compile(features) {
  const folder = mkdtempSync(join(tmpdir(), 'recurrent-onnx-'));
  try {
    const file = join(folder, 'kernels.wasm');
    const { error, stderr } = await main([
      join(engine, 'assembly/index.ts'),
      ...['--outFile', file, '--runtime', 'stub', '--noAssert', '-O3'],
      ...['--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
      ...['simd', 'threads', ...features].flatMap((feature) => ['--enable', feature]),
    ]);
    if (error) throw new Error(`${error.message}\n${stderr.toString()}`);
    return readFileSync(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param {string} name @param {Buffer} bytes */
function entry(name, bytes) {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return `  ${name}: {
    sha256: '${sha256}',
    base64:
      '${bytes.toString('base64')}',
  },
`;
}

const plain = await compile([]);
const relaxed = await compile(['relaxed-simd']);
const index = readFileSync(join(engine, 'assembly/index.ts'), 'utf8');
const names = [...index.matchAll(/^export {([^}]+)}/gm)].flatMap(([, list = '']) => list.match(/\w+/g) ?? []);
const text = `/** Made by tools/build-wasm.mjs from assembly/: do not edit. */
export const kernelNames = [
${names
  .toSorted()
  .map((name) => `  '${name}',\n`)
  .join('')}] as const;

export const modules = {
${entry('plain', plain)}${entry('relaxed', relaxed)}} as const;
`;

if (process.argv.includes('--check')) {
  const same = readFileSync(path, 'utf8') === text;
  console.log(`kernels: ${plain.length} and ${relaxed.length} bytes, ${same ? 'as committed' : 'not as committed'}`);
  if (!same) {
    console.error(
      'src/training/engines/wasm/modules.ts is not what assembly/ compiles to: run node tools/build-wasm.mjs',
    );
    process.exitCode = 1;
  }
} else {
  writeFileSync(path, text);
  console.log(`kernels: ${plain.length} and ${relaxed.length} bytes written`);
}
