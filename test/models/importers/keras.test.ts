/** Models that Keras 2 and 3 saved, held against what these computed: see tools/fixtures/importers_keras*.py. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importModel } from '../../../models/importers/import-model.ts';
import type { ImportOptions } from '../../../models/importers/options.ts';
import { planModel } from '../../../models/plan.ts';
import { createEncoder } from '../../../models/text/encoder.ts';
import { RecurrentError } from '../../../src/core/errors.ts';
import { expectAgreement, type Witness } from './agree.ts';
import { unzip, zip } from './zip.ts';

interface Case extends Witness {
  readonly file: string;
  readonly texts?: readonly string[];
}

const fixtures = fileURLToPath(new URL('../../fixtures/importers/', import.meta.url));
const casesOf = (name: string): Case[] => JSON.parse(readFileSync(join(fixtures, name), 'utf8')).cases;
const options: ImportOptions = { vocabulary: ['good', 'bad', 'film', 'plot', 'long'], maxLength: 5 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recurrent-keras-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The fixture itself, or unpacked beside. */
async function pathOf(file: string): Promise<string> {
  if (!file.endsWith('.gz')) return join(fixtures, file);
  const path = join(folder, file.slice(0, -3));
  await writeFile(path, gunzipSync(readFileSync(join(fixtures, file))));
  return path;
}

const keras2 = casesOf('keras2.json').filter(({ file }) => file !== 'k2_tfjs');
const keras3 = casesOf('keras3.json').filter(({ texts }) => !texts);

describe('models of Keras', () => {
  it.each([...keras3, ...keras2])('$file', async ({ file, ...witness }) => {
    const imported = await importModel(await pathOf(file), options);
    expect(imported.producer).toBe(file.startsWith('k2') ? 'Keras 2.21.0' : 'Keras 3.15.1');
    await expectAgreement(imported, witness);
  });

  it('takes the length of its input, and asks for it where there is none', async () => {
    const { vocabulary } = options;
    const { model } = await importModel(join(fixtures, 'k3_lstm.keras'), { vocabulary });
    expect(model.preprocessing).toMatchObject({ maxLength: 5, padding: 'pre', truncating: 'pre' });
    await expect(importModel(join(fixtures, 'k3_max.keras'), { vocabulary })).rejects.toMatchObject({
      code: 'IMPORT_AMBIGUOUS',
      hint: expect.stringContaining('--max-length'),
    });
  });

  it('keeps names, classes and rates, and says what became of each layer', async () => {
    const { model, layers, remarks } = await importModel(join(fixtures, 'k3_apart.keras'), options);
    expect(layers.map(({ name, becomes }) => [name, becomes?.split(',')[0]])).toEqual([
      ['input_layer', undefined],
      ['_words', 'embedding'],
      ['spatial_dropout1d', 'dropout'],
      ['second', 'lstm'],
      ['first', 'lstm'],
      ['dense', 'dense'],
      ['re_lu', 'activation relu of dense'],
      ['dense_1', 'dense'],
      ['softmax', 'activation softmax of dense_1'],
    ]);
    expect(model.spec.layers.map(({ name }) => name).slice(0, 4)).toEqual([
      'embedding',
      'spatial_dropout1d',
      'second',
      'first',
    ]);
    expect(remarks).toEqual([
      expect.stringContaining('_words is named anew'),
      expect.stringContaining('SpatialDropout1D drops whole features'),
      expect.stringContaining('kernel_regularizer matters to training alone'),
    ]);
  });
});

describe('a model that reads texts itself', () => {
  const [plain, stripping] = casesOf('keras3.json').filter(({ texts }) => texts) as [Case, Case];

  it('brings its vocabulary, and makes the same ids', async () => {
    const imported = await importModel(join(fixtures, plain.file));
    const { model, settings } = imported;
    expect(model.vocabulary).toEqual(['good', 'plot', 'film', 'bad', 'long']);
    expect(settings).toContainEqual({ name: 'lowercase', value: 'ascii', from: 'file' });
    const { vocabularySize } = planModel(model.spec);
    const { ids } = createEncoder({ ...model, vocabularySize }).encodeAll(plain.texts ?? []);
    const rows = Array.from({ length: 4 }, (_, row) => [...ids.slice(5 * row, 5 * row + 5)]);
    await expectAgreement(imported, { ids: rows, outputs: plain.outputs });
  });

  it('asks what becomes of punctuation where that is taken out of words', async () => {
    const path = join(fixtures, stripping.file);
    await expect(importModel(path)).rejects.toMatchObject({
      code: 'IMPORT_AMBIGUOUS',
      message: expect.stringContaining('takes punctuation out of words'),
    });
    const { model } = await importModel(path, { tokenizer: { filters: '.,!?\t\n' } });
    expect(model.preprocessing.tokenizer).toEqual({
      lowercase: 'ascii',
      filters: '.,!?\t\n',
      startId: null,
      oovId: 1,
      firstWordId: 2,
    });
  });
});

describe('what a spec cannot say', () => {
  it.each([
    ['k3_max_masked.keras', /GlobalMaxPooling1D\) pools masked steps too/],
    ['k3_nested.keras', /layer inner \(Sequential\) has no counterpart/],
    ['k3_branch.keras', /layer concatenate takes 2 tensors/],
  ])('%s', async (file, message) => {
    await expect(importModel(join(fixtures, file), options)).rejects.toMatchObject({
      code: 'LAYER_UNSUPPORTED',
      message: expect.stringMatching(message),
    });
  });
});

describe('files that nobody vouches for', () => {
  const sound = readFileSync(join(fixtures, 'k3_both.keras'));
  const refusal = async (bytes: Uint8Array, name = 'model.keras') => {
    const path = join(folder, name);
    await writeFile(path, bytes);
    const thrown = await importModel(path, { ...options, format: 'keras' }).then(
      () => undefined,
      (error) => error,
    );
    if (thrown !== undefined) expect(thrown).toBeInstanceOf(RecurrentError);
    return thrown as RecurrentError | undefined;
  };

  it('reads the archive whichever way it is packed', async () => {
    const entries = await unzip(sound);
    expect(await refusal(zip(entries))).toBeUndefined();
    expect(await refusal(zip(entries, { deflate: true }))).toBeUndefined();
  });

  it('a changed byte of the weights is noticed, compressed or not', async () => {
    const entries = await unzip(sound);
    const weights = entries.get('model.weights.h5') as Buffer;
    const packed = zip(entries);
    const at = packed.indexOf(weights) + weights.findLastIndex((byte) => byte !== 0);
    packed[at] = (packed[at] ?? 0) ^ 1;
    expect(await refusal(packed)).toMatchObject({
      code: 'IMPORT_INVALID',
      message: expect.stringContaining('checksum'),
    });
  });

  it.each([
    ['no weights', (entries: Map<string, Buffer>) => void entries.delete('model.weights.h5'), /no model\.weights\.h5/],
    [
      'sharded weights',
      (entries: Map<string, Buffer>) => {
        entries.delete('model.weights.h5');
        entries.set('model.weights.json', Buffer.from('{}'));
      },
      /several files/,
    ],
    ['no description', (entries: Map<string, Buffer>) => void entries.delete('config.json'), /no config\.json/],
    [
      'a name that leads out',
      (entries: Map<string, Buffer>) => void entries.set('../../evil', Buffer.from('x')),
      /no sound zip archive/,
    ],
    [
      'a name of the root',
      (entries: Map<string, Buffer>) => void entries.set('/etc/passwd', Buffer.from('x')),
      /no sound zip archive/,
    ],
  ])('%s', async (_, change, message) => {
    const entries = await unzip(sound);
    change(entries);
    expect(await refusal(zip(entries))).toMatchObject({
      code: 'IMPORT_INVALID',
      message: expect.stringMatching(message),
    });
  });

  /** The archive of `file` with other bytes in its weights. */
  async function patched(file: string, from: Buffer, to: Buffer): Promise<Buffer> {
    const entries = await unzip(readFileSync(join(fixtures, file)));
    const weights = Buffer.from(entries.get('model.weights.h5') as Buffer);
    expect(weights.indexOf(from)).toBeGreaterThan(0);
    to.copy(weights, weights.indexOf(from));
    return zip(new Map([...entries, ['model.weights.h5', weights]]));
  }
  const counts = (...values: bigint[]) => Buffer.from(BigUint64Array.from(values).buffer);

  it('a weight that says to be larger than the file', async () => {
    const bytes = await patched('k3_lstm.keras', counts(7n, 3n), counts(2n ** 31n, 2n ** 20n));
    expect(await refusal(bytes)).toMatchObject({ message: expect.stringContaining('more than the file holds') });
  });

  it('weights of a layer by another name', async () => {
    const bytes = await patched('k3_apart.keras', Buffer.from('second'), Buffer.from('fourth'));
    expect(await refusal(bytes)).toMatchObject({ message: expect.stringContaining('belongs to no layer') });
  });

  it('a bomb is refused before it goes off', async () => {
    const entries = await unzip(sound);
    entries.set('model.weights.h5', Buffer.alloc(70_000_000));
    const bomb = zip(entries, { deflate: true });
    expect(bomb.length).toBeLessThan(1_000_000);
    const before = process.memoryUsage().arrayBuffers;
    expect(await refusal(bomb)).toMatchObject({ message: expect.stringContaining('would unpack to more than') });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000);
    // one that lies about its size is stopped at the size that it names
    const lying = zip(entries, { deflate: true, claim: 1000 });
    expect(await refusal(lying)).toMatchObject({
      code: 'IMPORT_INVALID',
      message: expect.stringContaining('no sound zip archive'),
    });
  });

  it('any change or cut of archive, description or weights gives a model or a typed error', async () => {
    const entries = await unzip(sound);
    const config = entries.get('config.json') as Buffer;
    const weights = entries.get('model.weights.h5') as Buffer;
    const damage = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), value: fc.nat(255), cut: fc.boolean() });
    const damaged = (bytes: Buffer, { at, value, cut }: { at: number; value: number; cut: boolean }) => {
      // most bytes of HDF5 are zeros that nobody reads
      const places = [...bytes.keys()].filter((place) => bytes[place] !== 0);
      const place = places[Math.min(places.length - 1, Math.floor(at * places.length))] as number;
      if (cut) return bytes.subarray(0, place);
      const copy = Buffer.from(bytes);
      copy[place] = value;
      return copy;
    };
    await fc.assert(
      fc.asyncProperty(damage, fc.constantFrom('archive', 'config.json', 'model.weights.h5'), async (change, what) => {
        const bytes =
          what === 'archive'
            ? damaged(sound, change)
            : zip(new Map([...entries, [what, damaged(what === 'config.json' ? config : weights, change)]]));
        await refusal(bytes);
      }),
      { numRuns: 100 },
    );
  });

  it('a legacy file that is cut short, or holds weights alone', async () => {
    const legacy = gunzipSync(readFileSync(join(fixtures, 'k2_gru.h5.gz')));
    expect(await refusal(legacy.subarray(0, 3000), 'cut.h5')).toMatchObject({ code: 'IMPORT_INVALID' });
    const renamed = Buffer.from(legacy.toString('latin1').replace('model_config', 'model_confiG'), 'latin1');
    expect(await refusal(renamed, 'weights.h5')).toMatchObject({ message: expect.stringContaining('weights alone') });
  });
});
