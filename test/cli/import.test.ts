/** From a file of another framework to answers, by the command line alone. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { cli, cliJson, refusalHere, useCli } from './run-cli.ts';

const place = useCli();
const model = fileURLToPath(new URL('../fixtures/importers/k2_tfjs', import.meta.url));

it('imports, exports, proves and predicts', async () => {
  const { folder } = place;
  const inFolder = (name: string) => join(folder, name);
  await writeFile(inFolder('words.txt'), 'good\nbad\nfilm\nplot\nlong\n');
  await writeFile(inFolder('films.csv'), 'text,label\na good film,pos\na bad plot,neg\nlong and good,pos\nbad,neg\n');
  const given = ['--vocabulary', 'words.txt', '--labels', 'neg,pos'];
  const shown = await cli(['import', model, ...given, '--out', 'run'], { cwd: folder });
  expect(shown).toMatchObject({ status: 0, stderr: '' });
  expect(shown.stdout).toMatch(/^gru +GRU +gru, units 2, activation tanh, recurrentActivation sigmoid, bias single$/m);
  expect(shown.stdout).toMatch(/^maxLength +5 +file$/m);
  expect(shown.stdout).toMatch(/^labels +neg, pos +given$/m);
  expect(shown.stdout).toMatch(/^written +run\/best\.safetensors: k2_bidirectional, \d+ parameters$/m);

  expect(await cliJson(['export', 'run', '--out', 'run/model.onnx'], { cwd: folder })).toMatchObject({
    labels: ['neg', 'pos'],
  });
  const proof = await cliJson(['parity', 'run', '--data', 'films.csv', '--runners', 'reference,onnxruntime'], {
    cwd: folder,
  });
  expect(proof).toMatchObject({ flips: 0 });
  const predicted = await cliJson(['predict', 'run/model.onnx', 'a good film'], { cwd: folder });
  expect(JSON.stringify(predicted)).toMatch(/"label":"(neg|pos)"/);

  const again = await cli(['import', model, ...given, '--out', 'run', '--json'], { cwd: folder });
  expect(again.status).toBe(2);
  expect(again.stderr).toContain('RUN_EXISTS');
  const before = await readFile(inFolder('run/best.safetensors'));
  expect(await cliJson(['import', model, ...given, '--out', 'run', '--overwrite'], { cwd: folder })).toMatchObject({
    format: 'tfjs',
    remarks: [],
  });
  expect(await readFile(inFolder('run/best.safetensors'))).toEqual(before);
});

it('takes from the command line what a file of PyTorch does not say', async () => {
  const { folder } = place;
  await writeFile(join(folder, 'torch.txt'), '<pad>\n<unk>\ngood\nbad\n');
  const file = fileURLToPath(new URL('../fixtures/importers/pt_both.safetensors', import.meta.url));
  const given = ['--vocabulary', 'torch.txt', '--labels', 'a,b,c', '--max-length', '9', '--out', 'torch.safetensors'];
  const asked = ['--pooling', 'last', '--padding-steps', 'skipped', '--hidden-activation', 'relu'];
  expect(await cliJson(['import', file, ...given, ...asked], { cwd: folder })).toMatchObject({
    format: 'pytorch',
    labels: ['a', 'b', 'c'],
    settings: expect.arrayContaining([{ name: 'padding', value: 'post', from: 'default' }]),
    spec: { layers: expect.arrayContaining([expect.objectContaining({ type: 'dense', activation: 'relu' })]) },
  });
  expect(await cliJson(['export', 'torch.safetensors', '--out', 'torch.onnx'], { cwd: folder })).toMatchObject({
    labels: ['a', 'b', 'c'],
  });
});

it.each([
  ['no --out', [], 'OPTION_INVALID', /--out <folder> is missing/],
  ['no vocabulary', ['--out', 'none'], 'IMPORT_AMBIGUOUS', /no vocabulary/],
  ['an id that is none', ['--out', 'none', '--oov-id', 'x'], 'OPTION_INVALID', /--oov-id takes a whole number/],
  ['an unknown format', ['--out', 'none', '--format', 'caffe'], 'OPTION_INVALID', /caffe/],
])('refuses %s', async (_, more, code, message) => {
  const error = await refusalHere(['import', model, ...more]);
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
});
