/** A worker thread that dies in the midst of training: a clear error, a whole checkpoint, and the rest of the run. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, cliJson, tickets, useCli } from './run-cli.ts';

const place = useCli();
const preload = new URL('./kill-worker.mjs', import.meta.url).href;

describe.each([
  ['wasm', 'terminate'],
  // Node cannot end a thread inside onnxruntime's native code: the binding's next call then aborts the process.
  ['onnxruntime', 'exit'],
])('a worker of engine %s that dies (%s)', (engine, way) => {
  it('ends the run with an error and leaves the last checkpoint, which goes on bit for bit', async () => {
    const epochs = ['--epochs', '60', '--patience', '60', '--max-length', '40', '--batch-size', '16'];
    const args = ['train', 'lstm', '--data', tickets, '--engine', engine, '--threads', '2', ...epochs];
    const whole = join(place.folder, `${engine}-whole`);
    await cliJson([...args, '--out', whole]);

    const out = join(place.folder, `${engine}-killed`);
    const env = {
      NODE_OPTIONS: `--import ${preload}`,
      KILL_WORKER_AFTER: join(out, 'history.csv'),
      KILL_WORKER: way,
    };
    const { status, stdout, stderr } = await cli([...args, '--out', out, '--json'], { env });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    const { error } = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '');
    expect(error).toMatchObject({ code: 'ENGINE_FAILED', hint: expect.stringMatching(/^Resume/) });

    const done = readFileSync(join(out, 'history.csv'), 'utf8').trimEnd().split('\n').length - 1;
    expect(done).toBeGreaterThanOrEqual(3);
    expect(done).toBeLessThan(60);
    const inspected = await cliJson(['inspect', join(out, 'last.safetensors')]);
    expect(inspected.run).toMatchObject({ epoch: done });

    await cliJson(['train', 'lstm', '--data', tickets, '--out', out, '--resume']);
    for (const file of ['best.safetensors', 'last.safetensors', 'history.csv']) {
      expect(readFileSync(join(out, file)).equals(readFileSync(join(whole, file))), file).toBe(true);
    }
  });
});
