/**
 * Everything that needs a GPU: the suites of test/gpu/, then benchmarks/gpu/crossover.mjs. Says plainly what was skipped
 * and why; without a GPU all of it is, and the exit status is 0.
 *
 *   npm run test:gpu [-- --no-benchmark]
 *
 * With RECURRENT_GPU_REHEARSAL=1 the CPU takes the place of the GPU: mistakes in the suites show, nothing about a GPU does.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** @param {string} command @param {string[]} args */
function run(command, ...args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env });
  if (error) throw error;
  return status ?? 1;
}

/** Full float32 in all of NVIDIA's libraries, as parity needs it: see docs/gpu.md. */
const env = { NVIDIA_TF32_OVERRIDE: '0', ...process.env };

const { status, stdout } = spawnSync(
  'nvidia-smi',
  ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader'],
  {
    encoding: 'utf8',
  },
);
console.log(status === 0 ? `GPU: ${stdout.trim().split('\n').join('; ')}` : 'GPU: nvidia-smi finds none');

const rehearsal =
  process.env.RECURRENT_GPU_REHEARSAL === '1'
    ? '\n*** REHEARSAL: everything runs on the CPU. This is no evidence of anything about a GPU. ***\n'
    : undefined;
if (rehearsal) console.log(rehearsal);

const tests = run(process.execPath, 'node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.gpu.config.ts');
const benchmark = process.argv.includes('--no-benchmark') ? 0 : run(process.execPath, 'benchmarks/gpu/crossover.mjs');
if (rehearsal) console.log(rehearsal);
process.exitCode = tests || benchmark;
