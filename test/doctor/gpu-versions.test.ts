/** One table of versions: docs/gpu.md, the doctor and the Dockerfile say the same. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { createProgram } from '../../src/cli/program.ts';
import { requirements } from '../../src/doctor/gpu/requirements.ts';
import { isAtLeast } from '../../src/doctor/version.ts';
import { repository } from '../package/built-package.ts';

const page = readFileSync(join(repository, 'docs/gpu.md'), 'utf8');

it("docs/gpu.md's table is the doctor's", () => {
  const rows = [...page.matchAll(/^\| (.*`[\w@/.-]+` [\d.]+.*) \| (.*) \| (.*) \| (.*) \| .* \|$/gm)].map(
    ([, name = '', cuda = '', cudnn = '', driver = '']) => {
      const [, packageName, version] = /`([\w@/.-]+)` ([\d.]+)/.exec(name) ?? [];
      const least = (cell: string) => cell.split(' ', 1)[0];
      return { package: packageName, version, cuda: least(cuda), cudnn: least(cudnn), driver };
    },
  );
  expect(rows).toEqual(Object.values(requirements).map(({ libraries: _, ...row }) => row));
});

it('the versions are those of the packages that are used', () => {
  const installed = JSON.parse(readFileSync(join(repository, 'node_modules/onnxruntime-node/package.json'), 'utf8'));
  expect(manifest.dependencies['onnxruntime-node']).toBe(`~${requirements.onnxruntimeCuda12.version}.0`);
  expect(installed.version).toBe(requirements.onnxruntimeCuda13.version);
  expect(manifest.devDependencies['@tensorflow/tfjs-node-gpu']).toBe(`${requirements.tensorflow2_9.version}.0`);
  const constants = join(repository, 'node_modules/@tensorflow/tfjs-node-gpu/scripts/deps-constants.js');
  expect(/LIBTENSORFLOW_VERSION = '(.*)'/.exec(readFileSync(constants, 'utf8'))?.[1]).toBe('2.9.1');
  expect(page).toContain('TensorFlow 2.9.1');
});

describe('examples/gpu.Dockerfile', () => {
  /** Instructions with their lines joined, without comments. */
  const text = readFileSync(join(repository, 'examples/gpu.Dockerfile'), 'utf8');
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter(Boolean);
  const instructions = lines.map((line) => {
    const [, name = '', rest = ''] = /^([A-Z]+) +(.*)$/.exec(line) ?? [];
    return { name, rest };
  });
  const all = (name: string) => instructions.filter((instruction) => instruction.name === name).map(({ rest }) => rest);
  const argument = (name: string) =>
    all('ARG')
      .find((rest) => rest.startsWith(`${name}=`))
      ?.split('=')[1] ?? '';

  it('consists of instructions that Docker knows, and begins with a base', () => {
    const known = ['ARG', 'FROM', 'WORKDIR', 'COPY', 'RUN', 'USER', 'ENTRYPOINT', 'CMD'];
    for (const { name } of instructions) expect(known).toContain(name);
    expect(instructions.find(({ name }) => name !== 'ARG')?.name).toBe('FROM');
  });

  it('has the CUDA and the Node that docs/gpu.md and package.json ask for, pinned', () => {
    const { cuda } = requirements.onnxruntimeCuda12;
    expect(argument('CUDA')).toMatch(/^\d+\.\d+\.\d+$/);
    expect(argument('CUDA').split('.')[0]).toBe(cuda);
    expect(all('FROM').at(-1)).toBe(`nvidia/cuda:$\{CUDA}-cudnn-runtime-ubuntu24.04`);
    expect(isAtLeast(argument('NODE'), manifest.engines.node.replace('>=', '').split('.')[0] ?? '')).toBe(true);
    expect(text).not.toContain('latest');
  });

  it('does not run as root, and begins with the doctor', () => {
    expect(all('USER').at(-1)).toBe('ubuntu');
    const [entry, command] = [JSON.parse(all('ENTRYPOINT')[0] ?? ''), JSON.parse(all('CMD')[0] ?? '')];
    expect(entry).toEqual(['node', `/app/${manifest.bin.recurrent}`]);
    expect(command).toEqual(['doctor', '--require', 'cuda']);
  });

  it('copies what is there, and calls commands that exist', () => {
    for (const rest of all('COPY').filter((copy) => copy.startsWith('--from=build /app/'))) {
      const sources = rest.split(' ').slice(1, -1);
      for (const source of sources) expect(existsSync(join(repository, source.replace('/app/', '')))).toBe(true);
    }
    for (const [, script = ''] of text.matchAll(/npm run ([\w:]+)/g)) expect(manifest.scripts).toHaveProperty(script);
    const setup = createProgram().commands.find((command) => command.name() === 'setup')?.commands[0];
    expect(all('RUN').join('\n')).toContain('setup gpu --yes');
    expect(setup?.options.map(({ long }) => long)).toContain('--yes');
  });

  it('leaves out of the image what is not for it', () => {
    const ignored = readFileSync(join(repository, 'examples/gpu.Dockerfile.dockerignore'), 'utf8').split('\n');
    expect(ignored).toEqual(expect.arrayContaining(['**/node_modules', 'dist', '.git']));
  });
});
