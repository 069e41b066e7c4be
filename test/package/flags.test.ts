/** Worker threads inherit the flags of their process, unless they are told not to: a module given by `--eval` trains all the same. */
import { spawnSync } from 'node:child_process';
import { beforeAll, expect, it } from 'vitest';
import { build, repository } from './built-package.ts';

beforeAll(build);

const program = `
import { train } from 'recurrent-onnx';
import { zooModel } from 'recurrent-onnx/models';
const examples = Array.from({ length: 40 }, (_, i) => ({ id: String(i), text: (i % 2 ? 'good ' : 'bad ') + i, label: i % 2 }));
const data = { source: 'eval', labels: ['no', 'yes'], examples, notes: [] };
for (const engine of ['wasm', 'onnxruntime']) {
  const { history } = await train({
    ...{ spec: zooModel('lstm').build, data, engine, threads: 2 },
    ...{ epochs: 1, batchSize: 16, maxLength: 5 },
  });
  console.log(engine, history.length);
}
`;

it('node --input-type=module --eval', () => {
  const args = ['--input-type=module', '--eval', program];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: repository, encoding: 'utf8' });
  expect({ stdout, stderr }).toEqual({ stdout: 'wasm 1\nonnxruntime 1\n', stderr: '' });
});
