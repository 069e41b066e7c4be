/** onnxruntime begins its reports to Microsoft by leaving an identifier in the cache folder: here it must not. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import { build, repository } from '../package/built-package.ts';
import { modelOf } from '../support/trained-model.ts';

const reason = process.platform === 'linux' ? undefined : 'the reports are looked for where Linux keeps them';
if (reason) console.warn(`skipped: ${reason}`);

let home: string;
beforeEach(async () => {
  build();
  home = await mkdtemp(join(tmpdir(), 'telemetry-'));
  const layers = [
    { type: 'embedding', inputDim: 9, outputDim: 2 },
    { type: 'lstm', units: 2 },
    { type: 'dense', units: 1, activation: 'sigmoid' },
  ] as const;
  await writeFile(join(home, 'model.onnx'), exportOnnx(modelOf([...layers])));
});
afterEach(() => rm(home, { recursive: true, force: true }));

/** Runs a program in an environment that says nothing of reports, and gives what it left in the cache folder. */
async function cacheAfter(program: string): Promise<string[]> {
  const { PATH = '' } = process.env;
  const env = { PATH, HOME: home, XDG_CACHE_HOME: join(home, 'cache') };
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { cwd: repository, env });
  return existsSync(join(home, 'cache')) ? readdirSync(join(home, 'cache')) : [];
}

const open = (options: string) => `
  import { loadClassifier } from 'recurrent-onnx/runtime';
  const classifier = await loadClassifier(${JSON.stringify(join(home, 'model.onnx'))}, ${options});
  await classifier.predict('a text');
  await classifier.dispose();`;

describe.skipIf(reason)('nothing is reported', () => {
  it('without being asked, onnxruntime would', async () => {
    const program = `
      import { existsSync } from 'node:fs';
      import ort from 'onnxruntime-node';
      await ort.InferenceSession.create(${JSON.stringify(join(home, 'model.onnx'))});
      const left = ${JSON.stringify(join(home, 'cache/Microsoft'))};
      for (let turn = 0; turn < 600 && !existsSync(left); turn++) await new Promise((go) => setTimeout(go, 100));`;
    expect(await cacheAfter(program)).toContain('Microsoft');
  });

  it.each(["{ isolation: 'none' }", "{ isolation: 'process' }"])('by a classifier, %s', async (options) => {
    expect(await cacheAfter(open(options))).not.toContain('Microsoft');
  });

  it('by the training engine onnxruntime and its workers', async () => {
    const program = `
      import { train } from 'recurrent-onnx';
      import { loadDataset } from 'recurrent-onnx/data';
      import { zooModel } from 'recurrent-onnx/models';
      const data = await loadDataset('examples/data/mood');
      await train({ data, spec: zooModel('lstm').build, maxLength: 8, epochs: 1, engine: 'onnxruntime', threads: 2 });`;
    expect(await cacheAfter(program)).not.toContain('Microsoft');
  });
});
