import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import { mailModel } from '../support/serving.ts';
import { cli, cliJson, quickly, refusalHere, tickets, useCli } from './run-cli.ts';

const place = useCli();
const targets = ['triton', 'kserve', 'docker', 'kubernetes'] as const;
let model: string;
const at = (name: string) => join(place.folder, name);
const filesOf = (name: string) =>
  readdirSync(at(name), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(at(name).length + 1))
    .sort();

const refusal = (target: string, ...args: readonly string[]) => refusalHere(['deploy', target, ...args]);

beforeAll(async () => {
  await cliJson(['train', 'lstm', '--data', tickets, '--out', at('run'), ...quickly]);
  model = at('model.onnx');
  await cliJson(['export', at('run'), '--out', model]);
});

describe('deploy', () => {
  it.each(targets)('%s has help with examples, and docs/deploy.md describes each option', async (target) => {
    const { status, stdout } = await cli(['deploy', target, '--help']);
    expect(status).toBe(0);
    expect(stdout).toContain(`Usage: recurrent deploy ${target} [options] <model> --out <folder>`);
    expect(stdout).toMatch(new RegExp(`^Examples:\n  \\$ recurrent deploy ${target}`, 'm'));
    const page = readFileSync(new URL('../../docs/deploy.md', import.meta.url), 'utf8');
    for (const [, option = ''] of stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)) {
      if (!['--json', '--quiet', '--help'].includes(option)) expect(page).toContain(`\`${option}`);
    }
  });

  it.each([
    [
      'triton',
      [],
      false,
      ['model-repository/lstm/1/model.onnx', 'model-repository/lstm/config.pbtxt', 'model-repository/lstm/labels.txt'],
    ],
    ['triton', ['--text'], true, ['model-repository/lstm/1/model.onnx', 'model-repository/lstm-encode/1/model.py']],
    ['kserve', ['--storage-uri', 's3://bucket/x', '--text'], true, ['model-repository/lstm-text/config.pbtxt']],
    [
      'kserve',
      ['--storage-uri', 's3://bucket/x'],
      false,
      ['inference-service.yaml', 'model-repository/lstm/1/model.onnx'],
    ],
    ['kserve', ['--image', 'example.com/x:1'], true, ['image/Dockerfile', 'inference-service.yaml']],
    ['docker', [], true, ['Dockerfile', 'models/lstm/1/model.onnx', 'package.json']],
    [
      'kubernetes',
      ['--replicas', '5'],
      true,
      ['image/Dockerfile', 'manifests/deployment.yaml', 'manifests/service.yaml'],
    ],
  ] as const)('%s %j', async (target, options, takesText, some) => {
    const folder = `${target}-${options.length}-${takesText}`;
    const result = await cliJson(['deploy', target, model, '--out', at(folder), ...options]);
    expect(result).toEqual({
      ...{ target, folder: at(folder), name: 'lstm', takesText },
      ...{ files: expect.any(Array), next: expect.any(Array) },
    });
    expect(filesOf(folder)).toEqual([...(result.files as string[])].sort());
    expect(filesOf(folder)).toEqual(expect.arrayContaining([...some, 'README.md', 'deployment.json']));
    const copy = filesOf(folder).find((path) => path.endsWith('model.onnx')) ?? '';
    expect(readFileSync(join(at(folder), copy)).equals(readFileSync(model))).toBe(true);
    const described = JSON.parse(readFileSync(join(at(folder), 'deployment.json'), 'utf8'));
    expect(described).toMatchObject({
      target,
      name: 'lstm',
      takesText,
      model: { labels: ['billing', 'delivery', 'technical'] },
    });
    expect(readFileSync(join(at(folder), 'README.md'), 'utf8')).toContain(
      takesText ? 'raw text' : 'encode texts themselves',
    );
  });

  it('a run gives the folder that its exported file gives', async () => {
    await cliJson(['deploy', 'triton', at('run'), '--out', at('from-run')]);
    await cliJson(['deploy', 'triton', model, '--out', at('from-file')]);
    for (const file of filesOf('from-file')) {
      expect(readFileSync(join(at('from-run'), file)).equals(readFileSync(join(at('from-file'), file))), file).toBe(
        true,
      );
    }
  });

  it('puts a packed package into the image', async () => {
    const file = at('recurrent-onnx-0.1.0.tgz');
    await writeFile(file, Uint8Array.of(0x1f, 0x8b, 8, 0));
    await cliJson(['deploy', 'docker', model, '--out', at('packed'), '--package', file]);
    expect(filesOf('packed')).toContain('recurrent-onnx-0.1.0.tgz');
    expect(readFileSync(join(at('packed'), 'Dockerfile'), 'utf8')).toContain(
      'COPY package.json package-lock.json* recurrent-onnx-0.1.0.tgz ./',
    );
  });

  it('overwrites nothing unless told so, and then only a deployment', async () => {
    const args = [model, '--out', at('twice')];
    await cliJson(['deploy', 'docker', ...args]);
    const before = filesOf('twice');
    expect(await refusal('docker', ...args, '--name', 'other')).toMatchObject({
      code: 'FOLDER_EXISTS',
      hint: expect.stringMatching(/--force/),
    });
    expect(filesOf('twice')).toEqual(before);
    await cliJson(['deploy', 'docker', ...args, '--name', 'other', '--force']);
    expect(filesOf('twice')).toContain('models/other/1/model.onnx');
    expect(filesOf('twice')).not.toContain('models/lstm/1/model.onnx');
    expect(await refusal('docker', model, '--out', at('run'), '--force')).toMatchObject({
      code: 'FOLDER_EXISTS',
    });
  });

  it.each<readonly [readonly string[], string, RegExp]>([
    [['triton'], 'OPTION_INVALID', /--out/],
    [['triton', '--out', 'x', '--name', 'No Good'], 'OPTION_INVALID', /--name/],
    [['triton', '--out', 'x', '--max-batch', '0'], 'OPTION_INVALID', /from 1/],
    [['triton', '--out', 'x', '--image', 'a:1'], 'OPTION_UNSUPPORTED', /deploy kserve/],
    [['kserve', '--out', 'x', '--storage-uri', 'models'], 'OPTION_INVALID', /pvc:/],
    [['kserve', '--out', 'x', '--storage-uri', 's3://b/c', '--image', 'a:1'], 'OPTION_UNSUPPORTED', /--image/],
    [['kserve', '--out', 'x', '--storage-uri', 's3://b/c', '--grpc'], 'OPTION_UNSUPPORTED', /--grpc/],
    [['kserve', '--out', 'x', '--max-batch', '3'], 'OPTION_UNSUPPORTED', /--max-batch/],
    [['kserve', '--out', 'x', '--text'], 'OPTION_UNSUPPORTED', /--text does not go with our own server/],
    [['kubernetes', '--out', 'x', '--image', 'Not An Image'], 'OPTION_INVALID', /registry/],
    [['docker', '--out', 'x', '--package', tickets], 'OPTION_INVALID', /npm pack/],
    [['docker', '--out', 'x', '--package', 'none.tgz'], 'FILE_NOT_FOUND', /none.tgz/],
  ])('%j is refused: %s', async ([target = '', ...rest], code, says) => {
    const error = await refusal(target, model, ...rest.map((each) => (/^(x|none\.tgz)$/.test(each) ? at(each) : each)));
    expect(error.code).toBe(code);
    expect(`${error.message} ${error.hint}`).toMatch(says);
    expect(readdirSync(place.folder)).not.toContain('x');
  });

  it('gives a model with states one copy on KServe, and no more', async () => {
    await writeFile(at('pieces.onnx'), exportOnnx(mailModel, { states: true }));
    const args = ['kserve', at('pieces.onnx'), '--name', 'pieces', '--out', at('pieces')] as const;
    expect(await refusal(...args, '--replicas', '2')).toMatchObject({ code: 'OPTION_UNSUPPORTED' });
    await cliJson(['deploy', ...args]);
    expect(readFileSync(at('pieces/inference-service.yaml'), 'utf8')).toContain('maxReplicas: 1');
    expect(readFileSync(at('pieces/README.md'), 'utf8')).toContain('whole or as a sequence of requests');
  });

  it('refuses what is no exported model', async () => {
    expect((await refusal('triton', tickets, '--out', at('y'))).code).toBe('OPTION_INVALID');
    await writeFile(at('bad.onnx'), 'no model');
    const args = ['deploy', 'triton', at('bad.onnx'), '--out', at('y')];
    const { status, stdout, stderr } = await cli([...args, '--json']); // as a command of its own
    expect({ status, stdout, code: JSON.parse(stderr).error.code }).toEqual({
      status: 2,
      stdout: '',
      code: 'ONNX_INVALID',
    });
  });
});
