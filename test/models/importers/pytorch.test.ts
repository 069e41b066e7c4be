/** state_dicts that PyTorch saved, held against what it computed: see tools/fixtures/importers_pytorch.py. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCheckpoint } from '../../../models/checkpoint/checkpoint.ts';
import { encodeSafetensors } from '../../../models/checkpoint/safetensors.ts';
import { importModel } from '../../../models/importers/import-model.ts';
import type { ImportOptions, PytorchOptions } from '../../../models/importers/options.ts';
import type { SpecInput } from '../../../models/spec-input.ts';
import { sizeOf, type Tensor } from '../../../models/weights.ts';
import { RecurrentError } from '../../../src/core/errors.ts';
import { modelOf } from '../../support/trained-model.ts';
import { expectAgreement, type Witness } from './agree.ts';
import { unzip, zip } from './zip.ts';

interface Case extends Witness {
  readonly file: string;
  readonly pytorch: PytorchOptions;
}

const fixtures = fileURLToPath(new URL('../../fixtures/importers/', import.meta.url));
const cases: Case[] = JSON.parse(readFileSync(join(fixtures, 'pytorch.json'), 'utf8')).cases;
const options: ImportOptions = { vocabulary: ['good', 'bad', 'film', 'plot', 'long'], maxLength: 5 };
const said: PytorchOptions = { pooling: 'last', padding: 'read' };

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recurrent-pytorch-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function written(bytes: Uint8Array, ending = '.safetensors'): Promise<string> {
  const path = join(folder, `${count++}${ending}`);
  await writeFile(path, bytes);
  return path;
}

/** Tensors of these shapes, of numbers that tell them apart. */
function stateDict(shapes: Readonly<Record<string, readonly number[]>>): Promise<string> {
  const tensors = Object.entries(shapes).map(([name, shape], index): [string, Tensor] => [
    name,
    { shape, data: Float32Array.from({ length: sizeOf(shape) }, (_, at) => Math.sin(7 * index + at)) },
  ]);
  return written(encodeSafetensors({ tensors: new Map(tensors), metadata: {} }));
}

const lstm = (name: string, inputs: number, units: number, suffix = 'l0') => ({
  [`${name}.weight_ih_${suffix}`]: [4 * units, inputs],
  [`${name}.weight_hh_${suffix}`]: [4 * units, units],
  [`${name}.bias_ih_${suffix}`]: [4 * units],
  [`${name}.bias_hh_${suffix}`]: [4 * units],
});
const linear = (name: string, inputs: number, outputs: number) => ({
  [`${name}.weight`]: [outputs, inputs],
  [`${name}.bias`]: [outputs],
});

describe('models of PyTorch', () => {
  it.each(cases)('$file', async ({ file, pytorch, ...witness }) => {
    const imported = await importModel(join(fixtures, file), { ...options, pytorch });
    expect(imported).toMatchObject({ format: 'pytorch', producer: 'PyTorch, a state_dict' });
    const type = /float16|bfloat16|float64/.exec(file)?.[0];
    expect(imported.remarks.some((remark) => remark.includes('became float32'))).toBe(type !== undefined);
    await expectAgreement(imported, witness);
  });

  it('shows what it inferred', async () => {
    const { file, pytorch } = cases.find(({ file }) => file.startsWith('pt_both')) as Case;
    const { layers, remarks, model } = await importModel(join(fixtures, file), { ...options, pytorch });
    expect(layers.map(({ name, kind, becomes }) => [name, kind, becomes?.split(',')[0]])).toEqual([
      ['embedding', 'Embedding', 'embedding'],
      ['rnn', 'LSTM', 'bidirectional'],
      ['rnn', 'LSTM', 'bidirectional'],
      ['fc', 'Linear', 'dense'],
      ['out', 'Linear', 'dense'],
    ]);
    expect(model.preprocessing).toMatchObject({ padding: 'post', truncating: 'post' });
    expect(remarks).toEqual([
      expect.stringContaining('follow from names and shapes'),
      expect.stringContaining('dropout'),
    ]);
  });

  it('takes a whole spec in place of what it would infer, and sums biases where that has one', async () => {
    const { file, ...witness } = cases.find(({ file }) => file === 'pt_lstm.safetensors') as Case;
    const layers = [
      { type: 'embedding', inputDim: 7, outputDim: 3 },
      { type: 'lstm', units: 3, bias: 'single' },
      { type: 'dropout', rate: 0.5 },
      { type: 'dense', units: 1 },
    ] as const;
    const spec: SpecInput = { version: 1, name: 'given', layers: [...layers] };
    const imported = await importModel(join(fixtures, file), { ...options, pytorch: { spec } });
    expect(imported.model.spec.name).toBe('given');
    await expectAgreement(imported, witness);
    const other: SpecInput = { ...spec, layers: [layers[0], { type: 'gru', units: 3 } as const, layers[3]] };
    await expect(importModel(join(fixtures, file), { ...options, pytorch: { spec: other } })).rejects.toMatchObject({
      code: 'LAYER_UNSUPPORTED',
      message: expect.stringMatching(/of the spec is gru, rnn is lstm/),
    });
    const small: SpecInput = { ...spec, layers: [{ ...layers[0], inputDim: 6 }, layers[1], layers[3]] };
    await expect(importModel(join(fixtures, file), { ...options, pytorch: { spec: small } })).rejects.toMatchObject({
      code: 'WEIGHTS_INVALID',
    });
    await expect(
      importModel(join(fixtures, file), { ...options, pytorch: { spec, pooling: 'last' } }),
    ).rejects.toMatchObject({ code: 'OPTION_UNSUPPORTED' });
  });
});

describe('what a state_dict does not say', () => {
  it('is asked for, all at once', async () => {
    const path = await stateDict({
      'words.weight': [7, 3],
      'rnn.weight_ih_l0': [2, 3],
      'rnn.weight_hh_l0': [2, 2],
      ...linear('a', 2, 4),
      ...linear('b', 4, 1),
    });
    await expect(importModel(path, options)).rejects.toMatchObject({
      code: 'IMPORT_AMBIGUOUS',
      hint: expect.stringMatching(/--pooling.*--padding-steps.*--nonlinearity.*--hidden-activation/),
    });
  });

  it('and nothing else: what has nothing to say is refused', async () => {
    const path = await stateDict({ 'words.weight': [7, 3], ...lstm('rnn', 3, 2), ...linear('fc', 2, 1) });
    await expect(importModel(path, { ...options, pytorch: { ...said, nonlinearity: 'relu' } })).rejects.toMatchObject({
      code: 'OPTION_UNSUPPORTED',
    });
    await expect(
      importModel(path, { ...options, pytorch: { ...said, hiddenActivation: 'relu' } }),
    ).rejects.toMatchObject({ code: 'OPTION_UNSUPPORTED' });
  });

  it('an order that is one of several', async () => {
    const path = await stateDict({
      'words.weight': [7, 3],
      ...lstm('rnn', 3, 4),
      ...linear('a', 4, 4),
      ...linear('b', 4, 4),
      ...linear('out', 4, 1),
    });
    const pytorch: PytorchOptions = { ...said, hiddenActivation: 'tanh' };
    await expect(importModel(path, { ...options, pytorch })).rejects.toMatchObject({
      code: 'IMPORT_AMBIGUOUS',
      message: expect.stringMatching(/words → rnn → a → b → out or words → rnn → b → a → out/),
    });
    const named = (modules: string[]) => importModel(path, { ...options, pytorch: { ...pytorch, modules } });
    const { layers } = await named(['words', 'rnn', 'b', 'a', 'out']);
    expect(layers.map(({ name }) => name)).toEqual(['words', 'rnn', 'b', 'a', 'out']);
    for (const wrong of [
      ['words', 'rnn', 'a'],
      ['words', 'rnn', 'a', 'a', 'b', 'out'],
      ['rnn', 'words', 'a', 'b', 'out'],
      ['words', 'rnn', 'out', 'a', 'b'],
    ]) {
      await expect(named(wrong)).rejects.toMatchObject({ code: 'OPTION_INVALID' });
    }
  });

  it('orders too many to try, and modules too many for a spec', async () => {
    const alike = (count: number) =>
      Object.assign({}, ...Array.from({ length: count }, (_, index) => linear(`fc${index}`, 4, 4)));
    const base = { 'words.weight': [7, 3], ...lstm('rnn', 3, 4) };
    await expect(importModel(await stateDict({ ...base, ...alike(20) }), options)).rejects.toMatchObject({
      code: 'IMPORT_AMBIGUOUS',
    });
    const nowhere = { ...base, ...alike(20), ...linear('out', 5, 1) };
    await expect(importModel(await stateDict(nowhere), options)).rejects.toMatchObject({
      code: 'IMPORT_AMBIGUOUS',
      message: expect.stringContaining('too many orders'),
    });
    await expect(importModel(await stateDict({ ...base, ...alike(200) }), options)).rejects.toMatchObject({
      code: 'LAYER_UNSUPPORTED',
    });
  });

  it('any chain of modules with features of its own is found, whatever the names and their order', async () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,8}(\.[a-z0-9]{1,3})?$/);
    const model = fc.record({
      names: fc
        .uniqueArray(name, { minLength: 5, maxLength: 5 })
        .filter((names) => !names.some((one) => names.some((two) => two.startsWith(`${one}.`)))),
      kind: fc.constantFrom(['gru', 3] as const, ['lstm', 4] as const, ['simpleRnn', 1] as const),
      depth: fc.integer({ min: 1, max: 3 }),
      both: fc.boolean(),
      bias: fc.boolean(),
      hidden: fc.boolean(),
      shuffle: fc.infiniteStream(fc.nat()),
    });
    await fc.assert(
      fc.asyncProperty(model, async ({ names, kind: [type, gates], depth, both, bias, hidden, shuffle }) => {
        const [embedding, rnn, first, second] = names as [string, string, string, string];
        const units = 5;
        const wide = both ? 2 * units : units;
        const tensors: Record<string, number[]> = { [`${embedding}.weight`]: [7, 3] };
        for (let layer = 0; layer < depth; layer++) {
          for (const suffix of both ? ['', '_reverse'] : ['']) {
            tensors[`${rnn}.weight_ih_l${layer}${suffix}`] = [gates * units, layer ? wide : 3];
            tensors[`${rnn}.weight_hh_l${layer}${suffix}`] = [gates * units, units];
            if (bias)
              for (const one of ['ih', 'hh']) tensors[`${rnn}.bias_${one}_l${layer}${suffix}`] = [gates * units];
          }
        }
        Object.assign(
          tensors,
          hidden ? { ...linear(first, wide, 6), ...linear(second, 6, 2) } : linear(first, wide, 2),
        );
        const entries = Object.entries(tensors).map((entry) => ({ entry, key: shuffle.next().value }));
        const path = await stateDict(
          Object.fromEntries(entries.sort((a, b) => a.key - b.key).map(({ entry }) => entry)),
        );
        const pytorch: PytorchOptions = {
          ...said,
          ...(type === 'simpleRnn' && { nonlinearity: 'tanh' }),
          ...(hidden && { hiddenActivation: 'relu' }),
        };
        const { model } = await importModel(path, { ...options, pytorch });
        const recurrent = model.spec.layers.slice(1, 1 + depth);
        for (const layer of recurrent) {
          expect(layer.type).toBe(both ? 'bidirectional' : type);
          expect(layer.type === 'bidirectional' ? layer.layer : layer).toMatchObject({
            type,
            units,
            bias: bias ? 'double' : 'none',
          });
        }
        expect(model.spec.layers).toHaveLength(1 + depth + (hidden ? 2 : 1));
      }),
      { numRuns: 60 },
    );
  });
});

describe('what a spec cannot say', () => {
  const fine = { 'words.weight': [7, 3], ...lstm('rnn', 3, 2), ...linear('fc', 2, 1) };
  it.each([
    ['projections', { ...fine, 'rnn.weight_hr_l0': [1, 2] }, 'LAYER_UNSUPPORTED', /rnn has proj_size/],
    ['cells', { ...fine, 'cell.weight_ih': [8, 3] }, 'LAYER_UNSUPPORTED', /cell\.weight_ih \[8,3\] belongs to no/],
    ['a norm', { ...fine, 'norm.running_mean': [2] }, 'LAYER_UNSUPPORTED', /norm\.running_mean/],
    ['a convolution', { ...fine, 'conv.weight': [2, 3, 3] }, 'LAYER_UNSUPPORTED', /conv\.weight \[2,3,3\]/],
    ['attention', { ...fine, 'attention.weight': [1, 2] }, 'LAYER_UNSUPPORTED', /do not fit together/],
    ['no embedding', { ...lstm('rnn', 3, 2), ...linear('fc', 2, 1) }, 'LAYER_UNSUPPORTED', /do not fit together/],
    [
      'no recurrent layer',
      { 'words.weight': [7, 3], ...linear('fc', 3, 1) },
      'LAYER_UNSUPPORTED',
      /do not fit together/,
    ],
    ['half a layer', { ...fine, 'rnn.weight_ih_l1': [8, 2] }, 'IMPORT_INVALID', /tensors of rnn that belong to none/],
    [
      'gates of no cell',
      { 'words.weight': [7, 3], 'rnn.weight_ih_l0': [4, 3], 'rnn.weight_hh_l0': [4, 2], ...linear('fc', 2, 1) },
      'IMPORT_INVALID',
      /weight_hh_l0 \[4, 2\]/,
    ],
    ['a bias that does not fit', { ...fine, 'fc.bias': [2] }, 'IMPORT_INVALID', /does not fit its weight/],
  ])('%s', async (_, shapes, code, message) => {
    await expect(importModel(await stateDict(shapes), { ...options, pytorch: said })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it.each([
    ['a whole module', 'pt_whole.pt', /holds Python objects \(__main__\.Classifier\)/],
    ['a bare pickle', 'pt_legacy.pt', /a pickle of an old PyTorch/],
  ])('%s, with the line that writes what can be read', async (_, file, message) => {
    await expect(importModel(join(fixtures, file), { ...options, pytorch: said })).rejects.toMatchObject({
      code: 'IMPORT_INVALID',
      message: expect.stringMatching(message),
      hint: expect.stringContaining('save_file(model.state_dict(), "model.safetensors")'),
    });
  });

  it('a checkpoint of this package', async () => {
    const model = modelOf([
      { type: 'embedding', inputDim: 7, outputDim: 2 },
      { type: 'gru', units: 2 },
      { type: 'dense', units: 1 },
    ]);
    await expect(importModel(await written(encodeCheckpoint({ model })), options)).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    });
  });
});

describe('files that nobody vouches for', () => {
  const attempt = async (bytes: Uint8Array, ending: string) => {
    const path = await written(bytes, ending);
    return importModel(path, { ...options, format: 'pytorch', pytorch: said }).then(
      () => undefined,
      (error: unknown) => {
        expect(error).toBeInstanceOf(RecurrentError);
        return error as RecurrentError;
      },
    );
  };

  it('a pickle that would run a program is refused, and runs none', async () => {
    const entries = await unzip(readFileSync(join(fixtures, 'pt_zip.pt')));
    const name = [...entries.keys()].find((one) => one.endsWith('data.pkl')) as string;
    entries.set(name, Buffer.from('\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.', 'latin1'));
    expect(await attempt(zip(entries), '.pt')).toMatchObject({
      code: 'IMPORT_INVALID',
      message: expect.stringContaining('Python objects (posix.system)'),
    });
  });

  it('a tensor longer than its storage is refused, also where a stride of 0 would fill it', async () => {
    const entries = await unzip(readFileSync(join(fixtures, 'pt_zip.pt')));
    const name = [...entries.keys()].find((one) => one.endsWith('data.pkl')) as string;
    const tensor = (size: string, stride: string) =>
      `\x80\x02}X\x01\x00\x00\x00actorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x15tQK\x00${size}\x85${stride}\x85\x89}tRs.`;
    const huge = 'J\xff\xff\xff\x7f';
    for (const stride of ['K\x00', 'K\x01']) {
      entries.set(name, Buffer.from(tensor(huge, stride), 'latin1'));
      expect(await attempt(zip(entries), '.pt')).toMatchObject({
        message: expect.stringContaining('reaches beyond its'),
      });
    }
  });

  it.each(['pt_zip.pt', 'pt_lstm.safetensors'])(
    '%s changed or cut anywhere gives a model or a typed error',
    async (file) => {
      const sound = readFileSync(join(fixtures, file));
      const ending = file.slice(file.indexOf('.'));
      const entries = ending === '.pt' ? await unzip(sound) : new Map<string, Buffer>();
      const pickle = [...entries.keys()].find((one) => one.endsWith('data.pkl'));
      await fc.assert(
        fc.asyncProperty(
          fc.double({ min: 0, max: 0.999, noNaN: true }),
          fc.nat(255),
          fc.boolean(),
          fc.boolean(),
          async (at, value, cut, inside) => {
            const source = inside && pickle !== undefined ? (entries.get(pickle) as Buffer) : sound;
            const place = Math.floor(at * source.length);
            const damaged = Buffer.from(cut ? source.subarray(0, place) : source);
            if (!cut) damaged[place] = value;
            await attempt(source === sound ? damaged : zip(new Map([...entries, [pickle as string, damaged]])), ending);
          },
        ),
        { numRuns: 80 },
      );
    },
  );
});
