/** Bytes of ONNX files: what is written is read back, and whatever is damaged or hostile ends in a typed error. */
import fc from 'fast-check';
import onnxProto from 'onnx-proto';
import { describe, expect, test } from 'vitest';
import { buildGraph, exportOnnx } from '../../../exporters/export.ts';
import { decodeOnnx } from '../../../exporters/onnx/decode.ts';
import { encodeOnnx } from '../../../exporters/onnx/encode.ts';
import { openSession } from '../../../runtime/onnx/session.ts';
import { loadClassifier } from '../../../runtime/predict/classifier.ts';
import { RecurrentError } from '../../../src/core/errors.ts';
import { arbitrarySpec } from '../../support/arbitrary-spec.ts';
import { modelOf, trainedModel } from '../../support/trained-model.ts';

const { onnx } = onnxProto;
const model = modelOf([
  { type: 'embedding', inputDim: 9, outputDim: 2, maskZero: true },
  { type: 'lstm', units: 2, recurrentActivation: 'hardSigmoid' },
  { type: 'dense', units: 1 },
]);
const file = exportOnnx(model);
const invalid = expect.objectContaining({ code: 'ONNX_INVALID' });

test('any graph is read back as it was written', () => {
  fc.assert(
    fc.property(arbitrarySpec(), fc.integer({ min: 14, max: 22 }), (spec, opset) => {
      const graph = buildGraph(trainedModel(spec), { opset });
      expect(decodeOnnx(encodeOnnx(graph))).toEqual(graph);
    }),
    { numRuns: 100 },
  );
});

test('the same model gives the same bytes, a plain Uint8Array', () => {
  expect(file.constructor).toBe(Uint8Array);
  expect(exportOnnx(model)).toEqual(file);
  expect(exportOnnx(structuredClone(model))).toEqual(file);
});

test('what one file cannot hold is refused before it is written, metadata counted', () => {
  const graph = buildGraph(model);
  const room = 2 ** 31 - 1 - 2 ** 20; // less what names and attributes may take
  const weightsOf = (bytes: number) => {
    const data = new Float32Array(Math.floor(bytes / 4)); // zeros that nobody looks at take no memory
    return [{ name: 'huge', tensor: { dataType: 'float32', dims: [data.length], data } }] as const;
  };
  const words = ['words', 'ü'.repeat(5000)] as const; // 10,000 bytes
  const write = (bytes: number) => () => encodeOnnx({ ...graph, initialisers: weightsOf(bytes), metadata: [words] });
  const refused = expect.objectContaining({ code: 'LAYER_UNSUPPORTED', message: expect.stringContaining('2.0 GiB') });
  expect(write(room)).toThrow(refused);
  expect(write(room - 9000)).toThrow(refused);
});

describe('a file cut short', () => {
  test('at any byte is refused, by the reader and by the classifier', async () => {
    for (let length = 0; length < file.length; length++) {
      const cut = file.subarray(0, length);
      await expect(loadClassifier(cut, { providers: 'cpu' })).rejects.toSatisfy(
        (error) => error instanceof RecurrentError && ['ONNX_INVALID', 'METADATA_INVALID'].includes(error.code),
      );
      try {
        decodeOnnx(cut); // what ends between two fields can still be read as a graph
      } catch (error) {
        expect(error).toEqual(invalid);
      }
    }
  });
});

/** A protobuf field that holds bytes. */
function field(number: number, contents: Uint8Array): Uint8Array {
  const head = [...varint(8 * number + 2), ...varint(contents.length)];
  return Uint8Array.from([...head, ...contents]);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

/** `levels` messages, each inside the one before it: by the field numbers of `start`, then those of `cycle` in turn. */
function nested(start: readonly number[], cycle: readonly number[], levels: number): Uint8Array {
  const path = (level: number) => start[level] ?? cycle[(level - start.length) % cycle.length] ?? 0;
  const heads: number[][] = [];
  let length = 0;
  for (let level = levels - 1; level >= 0; level--) {
    const head = [...varint(8 * path(level) + 2), ...varint(length)];
    heads.push(head);
    length += head.length;
  }
  return Uint8Array.from(heads.reverse().flat());
}

function expectRefused(bytes: Uint8Array): void {
  expect(() => decodeOnnx(bytes)).toThrow(invalid);
}

/** @param reason so that a file is refused for this, before a decoder is asked that might not survive it */
async function expectRefusedByAll(bytes: Uint8Array, reason = /./): Promise<void> {
  const refused = expect.objectContaining({ code: 'ONNX_INVALID', message: expect.stringMatching(reason) });
  expect(() => decodeOnnx(bytes)).toThrow(refused);
  await expect(loadClassifier(bytes, { providers: 'cpu' })).rejects.toEqual(refused);
  await expect(openSession(bytes, { providers: 'cpu' })).rejects.toEqual(refused);
}

describe('hostile files are refused', () => {
  test.each([
    ['graphs inside attributes', [], [1, 5, 6]],
    ['lists of graphs inside attributes', [], [1, 5, 11]],
    ['types inside types', [11, 2], [4, 1]],
  ])('nesting: %s', async (_, start, cycle) => {
    const levels = 60_000;
    await expectRefusedByAll(field(7, nested(start, cycle, levels)), /nests deeper/);
  });

  test('a message that ends behind the one around it', async () => {
    const node = field(1, new Uint8Array(20));
    const graph = field(7, node);
    graph[1] = 10; // the graph ends in the middle of its node
    await expectRefusedByAll(graph, /cut short or damaged at byte 4/);
  });

  test('nesting: groups, which ONNX does not use', async () => {
    await expectRefusedByAll(new Uint8Array(100_000).fill(8 * 15 + 3), /damaged or no ONNX file/);
    await expectRefusedByAll(field(7, new Uint8Array(100_000).fill(8 * 15 + 3)), /damaged or no ONNX file/);
  });

  test.each([
    ['nothing', new Uint8Array()],
    ['zeros', new Uint8Array(1000)],
    ['ones', new Uint8Array(1000).fill(255)],
    ['text', new TextEncoder().encode('This is no ONNX file, but a line of text.')],
    ['a length beyond the end', Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f)],
    ['an endless number', Uint8Array.of(0x08, ...Array<number>(20).fill(0xff))],
    ['two graphs', Uint8Array.from([...file, ...field(7, new Uint8Array())])],
    ['two opsets', Uint8Array.from([...file, ...field(8, Uint8Array.of(16, 17))])],
  ])('%s', async (_, bytes) => {
    await expectRefusedByAll(bytes);
  });

  /** The file with its message changed. */
  function changed(change: (message: InstanceType<typeof onnx.ModelProto>) => void): Uint8Array {
    const message = onnx.ModelProto.decode(file) as InstanceType<typeof onnx.ModelProto>;
    change(message);
    return onnx.ModelProto.encode(message).finish();
  }

  test('tensors kept in other files', async () => {
    const outside = changed(({ graph }) => {
      const tensor = graph?.initializer?.[0] ?? {};
      tensor.rawData = new Uint8Array();
      tensor.dataLocation = onnx.TensorProto.DataLocation.EXTERNAL;
      tensor.externalData = [{ key: 'location', value: '../../../../etc/passwd' }];
    });
    await expectRefusedByAll(outside, /in other files/);
  });

  test.each([
    ['gigabytes', [2 ** 31, 2 ** 20]],
    ['more than can be counted', [2 ** 40, 2 ** 40]],
    ['less than nothing', [-3, -6]],
  ])('a tensor that declares %s', async (_, dims) => {
    const bytes = changed(({ graph }) => {
      (graph?.initializer?.[0] ?? {}).dims = dims;
    });
    await expect(loadClassifier(bytes, { providers: 'cpu' })).rejects.toEqual(invalid);
    expectRefused(bytes);
  });

  test.each([1, 9, 99, 2 ** 40])('opset %s', async (version) => {
    const bytes = changed((message) => {
      message.opsetImport = [{ domain: '', version }];
    });
    await expect(loadClassifier(bytes, { providers: 'cpu' })).rejects.toEqual(invalid);
  });

  test.each<[string, (message: InstanceType<typeof onnx.ModelProto>) => void]>([
    ['no graph', (message) => delete message.graph],
    ['no opset', (message) => (message.opsetImport = [])],
    ['an element type that is not used here', ({ graph }) => ((graph?.initializer?.[0] ?? {}).dataType = 10)],
    ['an operator of another domain', ({ graph }) => ((graph?.node?.[0] ?? {}).domain = 'com.example')],
    [
      'an attribute that is there twice',
      ({ graph }) => graph?.node?.[0]?.attribute?.push({ name: 'a', type: 2 }, { name: 'a', type: 2 }),
    ],
    ['an attribute without type', ({ graph }) => graph?.node?.[0]?.attribute?.push({ name: 'a' })],
    ['an integer above 2^53', ({ graph }) => graph?.node?.[0]?.attribute?.push({ name: 'a', type: 2, i: 2 ** 60 })],
    [
      'a name that is no UTF-8',
      ({ graph }) => graph?.node?.[0]?.attribute?.push({ name: 'a', type: 3, s: Uint8Array.of(255) }),
    ],
    ['sparse initialisers', ({ graph }) => ((graph ?? {}).sparseInitializer = [{ dims: [1] }])],
    ['functions', (message) => (message.functions = [{ name: 'f' }])],
    ['an input without type', ({ graph }) => ((graph?.input?.[0] ?? {}).type = null)],
  ])('%s', (_, change) => {
    expectRefused(changed(change));
  });

  test('random bytes, and files with random damage, never end otherwise', () => {
    const damage = fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damage.map(damaged)), (bytes) => {
        try {
          decodeOnnx(bytes);
        } catch (error) {
          expect(error).toEqual(invalid);
        }
      }),
      { numRuns: 2000 },
    );
  });

  function damaged(places: readonly (readonly [number, number])[]): Uint8Array {
    const bytes = file.slice();
    for (const [at, value] of places) bytes[at] = value;
    return bytes;
  }
});

describe('what other programs write is read too', () => {
  test('bytes in a Buffer', () => {
    expect(decodeOnnx(Buffer.from(file))).toEqual(decodeOnnx(file));
  });

  test('values that are listed one by one', () => {
    const graph = decodeOnnx(file);
    const message = onnx.ModelProto.decode(file);
    for (const tensor of message.graph?.initializer ?? []) {
      const raw = new Uint8Array(tensor.rawData ?? []);
      delete tensor.rawData;
      if (tensor.dataType === 1) tensor.floatData = [...new Float32Array(raw.buffer)];
      if (tensor.dataType === 6) tensor.int32Data = [...new Int32Array(raw.buffer)];
      if (tensor.dataType === 7) tensor.int64Data = [...new BigInt64Array(raw.buffer)].map(Number);
    }
    expect(decodeOnnx(onnx.ModelProto.encode(message).finish())).toEqual(graph);
  });
});
