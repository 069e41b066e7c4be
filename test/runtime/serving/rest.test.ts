/** The contract of REST: every route, status, header, datatype and error of the Open Inference Protocol. */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../src/core/errors.ts';
import {
  type Answer,
  expectError,
  expectedProbabilities,
  holdModels,
  mailModel,
  oneAtATime,
  type Served,
  serve,
  tolerance,
  topicModel,
  waitingRows,
  withSeed,
} from '../../support/serving.ts';

const newer = withSeed(mailModel, 99);
let server: Served;
beforeAll(async () => {
  server = await serve(
    { 'mail/1/model.onnx': mailModel, 'mail/3/model.onnx': newer, 'topics.onnx': topicModel },
    { maxRows: 32, maxBodyBytes: 20_000, modelControl: true },
  );
});
afterAll(() => server.close());

const texts = ['w1 w2, w3', 'w29 and nothing else', '', 'w4 w5 w6 w7 w8 w9 w10'];
const textInput = (data: unknown, shape = [4]) => ({ name: 'text', datatype: 'BYTES', shape, data });
const idsInput = (data: unknown, shape = [1, 3], datatype = 'INT32') => ({ name: 'ids', datatype, shape, data });
const infer = (body: unknown, path = '/v2/models/mail', headers = {}) =>
  server.ask('POST', `${path}/infer`, body, headers);

// biome-ignore lint/suspicious/noExplicitAny: the body of an answer
const output = (answer: Answer, name: string): any =>
  answer.json.outputs.find((one: { name: string }) => one.name === name);

function expectNear(given: readonly number[], expected: readonly number[]): void {
  expect(given.length).toBe(expected.length);
  for (const [index, value] of expected.entries())
    expect(Math.abs((given[index] ?? Number.NaN) - value)).toBeLessThan(tolerance);
}

describe('health and metadata', () => {
  it.each([
    ['/v2/health/live', { live: true }],
    ['/v2/health/ready', { ready: true }],
    ['/v2/models/mail/ready', { name: 'mail', ready: true }],
    ['/v2/models/mail/versions/1/ready', { name: 'mail', ready: true }],
  ])('GET %s', async (path, body) => {
    const { status, json, headers } = await server.ask('GET', path);
    expect({ status, json }).toEqual({ status: 200, json: body });
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect((await server.ask('HEAD', path)).status).toBe(200);
  });

  it('GET /v2 names the server and its extensions', async () => {
    const { json } = await server.ask('GET', '/v2');
    expect(json).toEqual({
      name: 'recurrent-onnx',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      extensions: ['binary_tensor_data', 'classification', 'model_repository', 'sequence'],
    });
  });

  it.each(['/v2/models/mail', '/v2/models/mail/versions/1'])(
    'GET %s tells what the model takes and gives',
    async (path) => {
      const { status, json } = await server.ask('GET', path);
      expect(status).toBe(200);
      expect(json).toEqual({
        name: 'mail',
        versions: ['1', '3'],
        platform: 'onnxruntime_onnx',
        inputs: [
          { name: 'text', datatype: 'BYTES', shape: [-1] },
          { name: 'ids', datatype: 'INT32', shape: [-1, -1] },
        ],
        outputs: [
          { name: 'label', datatype: 'BYTES', shape: [-1] },
          { name: 'probability', datatype: 'FP32', shape: [-1] },
          { name: 'probabilities', datatype: 'FP32', shape: [-1, 1] },
          { name: 'logits', datatype: 'FP32', shape: [-1, 1] },
        ],
      });
    },
  );

  it.each(['', '/ready', '/infer'])('knows no other model or version (%s)', async (route) => {
    const method = route === '/infer' ? 'POST' : 'GET';
    const body = route === '/infer' ? { inputs: [textInput(texts)] } : undefined;
    for (const model of ['none', '..%2Fmail', '%00', 'mail%2F1', '__proto__', 'x'.repeat(200)]) {
      expectError(await server.ask(method, `/v2/models/${model}${route}`, body), 'MODEL_UNKNOWN', /there is no model/);
    }
    const long = await server.ask(method, `/v2/models/${'x'.repeat(9000)}${route}`, body);
    expectError(long, 'MODEL_UNKNOWN', /Names of models have at most 128 letters/);
    for (const version of ['2', '0', '01', '-1', '1.0', 'latest', '1e0']) {
      const answer = await server.ask(method, `/v2/models/mail/versions/${version}${route}`, body);
      expectError(answer, 'MODEL_UNKNOWN', /has no version .*It has 1, 3\./);
    }
  });
});

describe('inference on texts', () => {
  it('gives label, probability, probabilities and logits of each row, by the newest version', async () => {
    const answer = await infer({ id: 'mine', inputs: [textInput(texts)] });
    expect(answer.status).toBe(200);
    const { model_name, model_version, id, outputs } = answer.json;
    expect({ model_name, model_version, id }).toEqual({ model_name: 'mail', model_version: '3', id: 'mine' });
    expect(outputs.map(({ name }: { name: string }) => name)).toEqual([
      'label',
      'probability',
      'probabilities',
      'logits',
    ]);
    const expected = expectedProbabilities(newer, texts).flat();
    expect(output(answer, 'probabilities')).toMatchObject({ datatype: 'FP32', shape: [4, 1] });
    expectNear(output(answer, 'probabilities').data, expected);
    expectNear(
      output(answer, 'logits').data,
      expected.map((p) => Math.log(p / (1 - p))),
    );
    expectNear(
      output(answer, 'probability').data,
      expected.map((p) => Math.max(p, 1 - p)),
    );
    expect(output(answer, 'label')).toEqual({
      name: 'label',
      datatype: 'BYTES',
      shape: [4],
      data: expected.map((p) => (p > 0.5 ? 'spam' : 'ham')),
    });
  });

  it('by the version that is named', async () => {
    const answer = await infer({ inputs: [textInput(texts)] }, '/v2/models/mail/versions/1');
    expect(answer.json.model_version).toBe('1');
    expect(answer.json).not.toHaveProperty('id');
    expectNear(output(answer, 'probabilities').data, expectedProbabilities(mailModel, texts).flat());
  });

  it('of several classes, of which one has a letter beyond ASCII', async () => {
    const answer = await infer({ inputs: [textInput(texts)] }, '/v2/models/topics');
    const expected = expectedProbabilities(topicModel, texts);
    expect(output(answer, 'probabilities').shape).toEqual([4, 3]);
    expectNear(output(answer, 'probabilities').data, expected.flat());
    expect(output(answer, 'label').data).toEqual(
      expected.map((row) => topicModel.labels[row.indexOf(Math.max(...row))]),
    );
  });

  it('in a column, as Triton has it, and in nested lists', async () => {
    const expected = expectedProbabilities(newer, texts).flat();
    for (const data of [texts, texts.map((text) => [text])]) {
      const answer = await infer({ inputs: [textInput(data, [4, 1])] });
      expectNear(output(answer, 'probabilities').data, expected);
    }
  });

  it.each(['', '\0', '🦆'.repeat(50), '\ud800', 'مرحبا w1', 'w1 '.repeat(3000)])(
    'that are as odd as %.12j',
    async (text) => {
      const answer = await infer({ inputs: [textInput([text], [1])] });
      expectNear(output(answer, 'probabilities').data, expectedProbabilities(newer, [text]).flat());
    },
  );

  it('takes as many rows as it is told to, and no more', async () => {
    const many = Array<string>(32).fill('w1 w2');
    const answer = await infer({ inputs: [textInput(many, [32])] });
    expectNear(output(answer, 'probabilities').data, expectedProbabilities(newer, many).flat());
    expect((await server.ask('POST', '/v1/classify', { model: 'mail', texts: many })).status).toBe(200);
  });

  it('gives the outputs that are asked for, in that order', async () => {
    const answer = await infer({ inputs: [textInput(texts)], outputs: [{ name: 'logits' }, { name: 'label' }] });
    expect(answer.json.outputs.map(({ name }: { name: string }) => name)).toEqual(['logits', 'label']);
  });

  it('gives the most probable classes where classification is asked for', async () => {
    const outputs = [{ name: 'probabilities', parameters: { classification: 2 } }];
    const answer = await infer({ inputs: [textInput(texts)], outputs }, '/v2/models/topics');
    const [first] = expectedProbabilities(topicModel, texts);
    const best = (first ?? []).map((p, index) => ({ p, index })).sort((a, b) => b.p - a.p);
    expect(output(answer, 'probabilities')).toMatchObject({ datatype: 'BYTES', shape: [4, 2] });
    const [value, index, label] = output(answer, 'probabilities').data[0].split(':');
    expect(Math.abs(Number(value) - (best[0]?.p ?? 0))).toBeLessThan(1e-6 + tolerance);
    expect({ index, label }).toEqual({ index: String(best[0]?.index), label: topicModel.labels[best[0]?.index ?? 0] });
  });

  it('takes null where clients write it for nothing', async () => {
    const { status } = await infer({
      id: null,
      parameters: null,
      inputs: [{ ...textInput(texts), parameters: { content_type: 'str' } }],
      outputs: null,
    });
    expect(status).toBe(200);
  });
});

describe('inference on ids', () => {
  const rows = [
    [1, 2, 3],
    [29, 4, 7],
  ];
  const expected = () =>
    expectedProbabilities(
      newer,
      rows.map((row) => row.map((id) => `w${id}`).join(' ')),
    ).flat();

  it.each(['INT32', 'INT64'])('as %s, flat and nested', async (datatype) => {
    for (const data of [rows, rows.flat()]) {
      const answer = await infer({ inputs: [idsInput(data, [2, 3], datatype)] });
      expectNear(output(answer, 'probabilities').data, expected());
    }
  });

  it('as long as the model reads, and no longer', async () => {
    const answer = await infer({ inputs: [idsInput([1, 2, 3, 4, 5, 6], [1, 6])] });
    expectNear(output(answer, 'probabilities').data, expectedProbabilities(newer, ['w1 w2 w3 w4 w5 w6']).flat());
    expectError(await infer({ inputs: [idsInput(Array(7).fill(1), [1, 7])] }), 'INPUT_INVALID', /7 steps.*at most 6/);
  });

  it.each([
    [idsInput([1, 2, 30]), /id 30 at row 0, step 2 is out of range.*0 to 29/],
    [idsInput([1, -2, 3]), /id -2/],
    [idsInput([1, 2.5, 3]), /2.5/],
    [idsInput([1, 2 ** 40, 3], [1, 3], 'INT64'), /1099511627776/],
    [idsInput([1, '2', 3]), /a string at 1/],
    [idsInput([1, null, 3]), /null at 1/],
    [idsInput([1, 2]), /2 elements, its shape 3/],
    [idsInput([[1, 2], [3]], [2, 2]), /row 1 does not have 2/],
    [idsInput([[[1]], [[2]]], [2, 1]), /a list at 0/],
    [idsInput([], [0, 3]), /shape \[0, 3\]/],
    [idsInput([1], [1, 0]), /shape \[1, 0\]/],
    [idsInput([1], [1, -1]), /shape \[1, -1\]/],
    [idsInput([1], [1, 1.5]), /1\.5/],
    [idsInput([1], [2 ** 31, 2 ** 31]), /rows.*at most 32/],
    [idsInput([1], [1, 2 ** 52]), /steps.*at most 6/],
    [idsInput([1, 2, 3], [3]), /\[rows, time\]/],
    [idsInput([1, 2, 3], [1, 3, 1]), /\[rows, time\]/],
    [idsInput({ length: 3 }), /no list/],
    [idsInput([1, 2, 3], [1, 3], 'FP32'), /FP32.*INT32 or INT64/],
    [idsInput([1, 2, 3], [1, 3], 'UINT64'), /UINT64/],
    [textInput(texts, [3]), /4 elements, its shape 3/],
    [textInput([1], [1]), /a number at 0/],
    [textInput(texts, [2, 2]), /\[rows\] or \[rows, 1\]/],
    [textInput(Array(33).fill('w1'), [33]), /33 rows.*at most 32/],
    [{ ...textInput(texts), datatype: 'INT32' }, /INT32.*BYTES/],
    [{ ...textInput(texts), name: 'image' }, /no input image/],
  ])('refuses %.90j', async (input, says) => {
    expectError(await infer({ inputs: [input] }), 'INPUT_INVALID', says);
  });

  it.each<[object, ErrorCode, RegExp]>([
    [{ inputs: [textInput(texts), idsInput([1, 2, 3])] }, 'INPUT_INVALID', /2 inputs/],
    [{ inputs: [textInput(texts)], outputs: [{ name: 'none' }] }, 'INPUT_INVALID', /no output none.*label/],
    [{ inputs: [textInput(texts)], outputs: [{ name: '__proto__' }] }, 'INPUT_INVALID', /no output/],
    [{ inputs: [textInput(texts)], outputs: [{ name: 'label' }, { name: 'label' }] }, 'INPUT_INVALID', /twice/],
    [
      { inputs: [textInput(texts)], parameters: { sequence_id: 7 } },
      'INPUT_INVALID',
      /of sequence . is input text of shape/,
    ],
    [{ inputs: [textInput(texts)], parameters: { priority: 2 } }, 'OPTION_UNSUPPORTED', /priority/],
    [{ inputs: [textInput(texts)], parameters: { timeout: -1 } }, 'REQUEST_INVALID', /timeout/],
    [{ inputs: [textInput(texts)], parameters: { binary_data_output: 'yes' } }, 'REQUEST_INVALID', /boolean/],
    [{ inputs: [textInput(texts)], parameters: { nested: {} } }, 'REQUEST_INVALID', /parameters/],
    [
      { inputs: [{ ...textInput(texts), parameters: { shared_memory_region: 'x' } }] },
      'REQUEST_INVALID',
      /shared_memory/,
    ],
    [
      { inputs: [textInput(texts)], outputs: [{ name: 'label', parameters: { classification: 1 } }] },
      'OPTION_UNSUPPORTED',
      /classification of probabilities/,
    ],
    [
      { inputs: [textInput(texts)], outputs: [{ name: 'probabilities', parameters: { classification: 0 } }] },
      'INPUT_INVALID',
      /number of classes/,
    ],
    [{ inputs: [] }, 'REQUEST_INVALID', /inputs/],
    [{}, 'REQUEST_INVALID', /inputs/],
    [{ inputs: [{ name: 'ids', shape: [1], datatype: 'INT32' }] }, 'REQUEST_INVALID', /neither data/],
    [{ inputs: [{ ...idsInput([1]), datatype: 'COMPLEX' }] }, 'REQUEST_INVALID', /datatype/],
    [{ inputs: [{ ...idsInput([1]), shape: [] }] }, 'REQUEST_INVALID', /shape/],
    [{ inputs: [textInput(texts)], surprise: 1 }, 'REQUEST_INVALID', /surprise/],
    [[], 'REQUEST_INVALID', /object/],
  ])('refuses %.90j with %s', async (body, code, says) => {
    expectError(await infer(body), code, says);
  });
});

describe('binary tensors', () => {
  const bytesOf = (values: readonly string[]) =>
    Buffer.concat(
      values.flatMap((text) => {
        const length = Buffer.alloc(4);
        length.writeUInt32LE(Buffer.byteLength(text));
        return [length, Buffer.from(text)];
      }),
    );

  function send(request: object, tail: Uint8Array, more: { readonly length?: string | undefined } = {}) {
    const head = Buffer.from(JSON.stringify(request));
    const { length = String(head.length) } = more;
    return infer(Buffer.concat([head, tail]), '/v2/models/mail', {
      'inference-header-content-length': length,
      'content-type': 'application/octet-stream',
    });
  }
  const binaryInput = (name: string, datatype: string, shape: number[], size: number) => ({
    name,
    datatype,
    shape,
    parameters: { binary_data_size: size },
  });

  it.each([
    ['BYTES', [4], bytesOf(texts), 'text', () => expectedProbabilities(newer, texts)],
    [
      'INT32',
      [1, 3],
      Buffer.from(Int32Array.of(1, 2, 3).buffer),
      'ids',
      () => expectedProbabilities(newer, ['w1 w2 w3']),
    ],
    [
      'INT64',
      [1, 3],
      Buffer.from(BigInt64Array.of(1n, 2n, 3n).buffer),
      'ids',
      () => expectedProbabilities(newer, ['w1 w2 w3']),
    ],
  ])('take %s and give all outputs', async (datatype, shape, tail, name, expected) => {
    // an id of one to four letters moves the tensors to every alignment
    for (const id of ['a', 'ab', 'abc', 'abcd']) {
      const answer = await send(
        { id, inputs: [binaryInput(name, datatype, shape, tail.length)], parameters: { binary_data_output: true } },
        tail,
      );
      expect(answer.headers.get('content-type')).toBe('application/octet-stream');
      const jsonLength = Number(answer.headers.get('inference-header-content-length'));
      const head = JSON.parse(answer.bytes.subarray(0, jsonLength).toString());
      const sizes = head.outputs.map(
        (one: { parameters: { binary_data_size: number } }) => one.parameters.binary_data_size,
      );
      const tensors: Buffer[] = [];
      let at = jsonLength;
      for (const size of sizes) {
        tensors.push(answer.bytes.subarray(at, at + size));
        at += size;
      }
      expect(at).toBe(answer.bytes.length);
      const [labels, , probabilities] = tensors;
      const values = new Float32Array(new Uint8Array(probabilities ?? []).buffer);
      expectNear([...values], expected().flat());
      expect(labels).toEqual(bytesOf([...values].map((p) => (p > 0.5 ? 'spam' : 'ham'))));
    }
  });

  it('stand beside JSON, output by output', async () => {
    const answer = await infer({
      inputs: [textInput(texts)],
      outputs: [{ name: 'label' }, { name: 'logits', parameters: { binary_data: true } }],
    });
    const jsonLength = Number(answer.headers.get('inference-header-content-length'));
    const { outputs } = JSON.parse(answer.bytes.subarray(0, jsonLength).toString());
    expect(outputs).toMatchObject([
      { name: 'label', data: expect.any(Array) },
      { name: 'logits', parameters: { binary_data_size: 16 } },
    ]);
    expect(answer.bytes.length - jsonLength).toBe(16);
  });

  it('that a client sends without saying what it sends', async () => {
    const head = Buffer.from(JSON.stringify({ inputs: [binaryInput('text', 'BYTES', [1], 6)] }));
    const response = await fetch(`${server.url}/v2/models/mail/infer`, {
      method: 'POST',
      headers: { 'inference-header-content-length': String(head.length) },
      body: new Blob([head, bytesOf(['w1'])]),
    });
    expect(response.status).toBe(200);
  });

  const six = bytesOf(['w1']);
  it.each<[string, object, Uint8Array, string | undefined, ErrorCode, RegExp]>([
    [
      'cut short',
      binaryInput('text', 'BYTES', [1], 6),
      six.subarray(0, 5),
      undefined,
      'REQUEST_INVALID',
      /6 bytes.*only 5/,
    ],
    [
      'left over',
      binaryInput('text', 'BYTES', [1], 6),
      Buffer.concat([six, six]),
      undefined,
      'REQUEST_INVALID',
      /6 bytes .* no input/,
    ],
    [
      'of another count',
      binaryInput('text', 'BYTES', [2], 6),
      six,
      undefined,
      'INPUT_INVALID',
      /1 elements, its shape 2/,
    ],
    [
      'longer than they are',
      binaryInput('text', 'BYTES', [1], 6),
      Buffer.from([255, 255, 255, 255, 1, 2]),
      undefined,
      'INPUT_INVALID',
      /cut short in element 0/,
    ],
    [
      'not UTF-8',
      binaryInput('text', 'BYTES', [1], 6),
      Buffer.from([2, 0, 0, 0, 0xc3, 0x28]),
      undefined,
      'INPUT_INVALID',
      /not UTF-8 in element 0/,
    ],
    [
      'of another datatype',
      binaryInput('ids', 'INT64', [1, 3], 12),
      Buffer.alloc(12),
      undefined,
      'INPUT_INVALID',
      /12 bytes.*24/,
    ],
    [
      'beyond 32 bits',
      binaryInput('ids', 'INT64', [1, 1], 8),
      Buffer.from(BigInt64Array.of(2n ** 33n).buffer),
      undefined,
      'INPUT_INVALID',
      /beyond 32 bits at 0/,
    ],
    ['of half a byte', binaryInput('text', 'BYTES', [1], 5.5), six, undefined, 'REQUEST_INVALID', /no whole number/],
    ['of no size', binaryInput('text', 'BYTES', [1], -6), six, undefined, 'REQUEST_INVALID', /no whole number/],
    ['longer than all', binaryInput('text', 'BYTES', [1], 6), six, '999999', 'REQUEST_INVALID', /the whole body has/],
    ['behind no number', binaryInput('text', 'BYTES', [1], 6), six, '1e2', 'REQUEST_INVALID', /no whole number/],
    [
      'behind a length that cuts the JSON',
      binaryInput('text', 'BYTES', [1], 6),
      six,
      '10',
      'REQUEST_INVALID',
      /no JSON/,
    ],
    [
      'said twice',
      { ...binaryInput('text', 'BYTES', [1], 6), data: ['w1'] },
      six,
      undefined,
      'REQUEST_INVALID',
      /both/,
    ],
  ])('that are %s are refused', async (_, input, tail, length, code, says) => {
    expectError(await send({ inputs: [input] }, tail, { length }), code, says);
  });
});

describe('the rest of HTTP', () => {
  it('takes a header length that is that of the whole body', async () => {
    const body = Buffer.from(JSON.stringify({ inputs: [textInput(texts)] }));
    const headers = { 'inference-header-content-length': String(body.length) };
    expect((await infer(body, undefined, headers)).status).toBe(200);
  });

  it('takes gzip and deflate, and unpacks no bomb', async () => {
    const body = Buffer.from(JSON.stringify({ inputs: [textInput(texts)] }));
    expect((await infer(gzipSync(body), undefined, { 'content-encoding': 'gzip' })).status).toBe(200);
    expect((await infer(deflateSync(body), undefined, { 'content-encoding': 'deflate' })).status).toBe(200);
    const bomb = gzipSync(Buffer.alloc(10_000_000, 32));
    expect(bomb.length).toBeLessThan(20_000);
    expectError(await infer(bomb, undefined, { 'content-encoding': 'gzip' }), 'REQUEST_TOO_LARGE', /unpacks to more/);
    expectError(await infer(body, undefined, { 'content-encoding': 'gzip' }), 'REQUEST_INVALID', /no gzip/);
    expectError(await infer(body, undefined, { 'content-encoding': 'br' }), 'MEDIA_TYPE_UNSUPPORTED', /br/);
  });

  it.each<[string, unknown, Record<string, string>, ErrorCode, RegExp]>([
    ['a body that is too large', ' '.repeat(20_001), {}, 'REQUEST_TOO_LARGE', /too large/],
    [
      'another media type',
      'text=w1',
      { 'content-type': 'application/x-www-form-urlencoded' },
      'MEDIA_TYPE_UNSUPPORTED',
      /urlencoded/,
    ],
    ['no JSON', '{"inputs":', {}, 'REQUEST_INVALID', /no JSON/],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), {}, 'REQUEST_INVALID', /UTF-8/],
    ['NaN', '{"inputs": NaN}', {}, 'REQUEST_INVALID', /no JSON/],
    ['lists in lists', '['.repeat(19_000), {}, 'REQUEST_INVALID', /no JSON/],
    [
      'deep lists as data',
      `{"inputs":[{"name":"ids","datatype":"INT32","shape":[1,1],"data":${'['.repeat(9000)}1${']'.repeat(9000)}}]}`,
      {},
      'INPUT_INVALID',
      /a list at 0/,
    ],
    [
      'deep parameters',
      `{"inputs":[],"parameters":{"a":${'['.repeat(9000)}1${']'.repeat(9000)}}}`,
      {},
      'REQUEST_INVALID',
      /parameters/,
    ],
    ['a prototype', '{"__proto__":{"inputs":[]}}', {}, 'REQUEST_INVALID', /inputs/],
  ])('refuses %s', async (_, body, headers, code, says) => {
    expectError(await infer(body, undefined, headers), code, says);
  });

  it('refuses a request without a body', async () => {
    expectError(await infer(undefined), 'REQUEST_INVALID', /no body/);
  });

  it.each([
    ['DELETE', '/v2', 'GET, HEAD'],
    ['POST', '/v2/health/ready', 'GET, HEAD'],
    ['GET', '/v2/models/mail/infer', 'POST'],
    ['PUT', '/v1/classify', 'POST'],
    ['OPTIONS', '/v2/models/mail', 'GET, HEAD'],
  ])('%s %s is not done', async (method, path, allowed) => {
    const answer = await server.ask(method, path);
    expectError(answer, 'METHOD_UNSUPPORTED', new RegExp(`does not take ${method}`));
    expect(answer.headers.get('allow')).toBe(allowed);
  });

  it.each(['/nothing', '/v2/models', '/v2/models/mail/stats', '/v2/models/../../etc/passwd', '/V2'])(
    '%s is not there',
    async (path) => {
      expectError(await server.ask('GET', path), 'ROUTE_UNKNOWN', /there is nothing at/);
    },
  );

  it('%2 in a path is no encoding', async () => {
    expectError(await server.ask('GET', '/v2/models/%2'), 'REQUEST_INVALID', /url/i);
  });
});

describe('POST /v1/classify', () => {
  it('classifies one text, or several', async () => {
    const body = { model: 'mail', version: '1', text: 'w1 w2, unknown' };
    const { status, json } = await server.ask('POST', '/v1/classify', body);
    const [[p = 0] = []] = expectedProbabilities(mailModel, [body.text]);
    expect(status).toBe(200);
    expect(json).toMatchObject({ model: 'mail', version: '1', milliseconds: expect.any(Number) });
    expect(json.predictions).toEqual([
      {
        label: p > 0.5 ? 'spam' : 'ham',
        probability: expect.closeTo(Math.max(p, 1 - p), 5),
        scores: { ham: expect.closeTo(1 - p, 5), spam: expect.closeTo(p, 5) },
        words: 3,
        knownWords: 2,
      },
    ]);
    const several = await server.ask('POST', '/v1/classify', { model: 'topics', texts });
    expect(several.json.predictions).toHaveLength(4);
  });

  it.each<[object, ErrorCode, RegExp]>([
    [{ text: 'w1' }, 'REQUEST_INVALID', /2 models.*mail, topics/],
    [{ model: 'none', text: 'w1' }, 'MODEL_UNKNOWN', /none/],
    [{ model: 'mail', version: '9', text: 'w1' }, 'MODEL_UNKNOWN', /9/],
    [{ model: 'mail' }, 'REQUEST_INVALID', /text or texts/],
    [{ model: 'mail', text: 'w1', texts: ['w1'] }, 'REQUEST_INVALID', /text or texts/],
    [{ model: 'mail', texts: [] }, 'REQUEST_INVALID', /texts/],
    [{ model: 'mail', texts: [1] }, 'REQUEST_INVALID', /texts\.0/],
    [{ model: 'mail', texts: Array(33).fill('') }, 'INPUT_INVALID', /33 texts/],
  ])('refuses %.60j', async (body, code, says) => {
    expectError(await server.ask('POST', '/v1/classify', body), code, says);
  });
});

describe('what is to be explained', () => {
  it('is text by text, so that several fit into a queue that holds few rows', async () => {
    const small = await serve({ 'mail.onnx': mailModel }, { maxQueue: 4 });
    const several = Array.from({ length: 20 }, (_, index) => `w${index + 1} w2 w3 w4 w5 w6`);
    const { status, json } = await small.ask('POST', '/v1/classify', { texts: several, explain: true });
    expect(status).toBe(200);
    expect(json.predictions.map(({ contributions }: { contributions: object[] }) => contributions.length)).toEqual(
      Array(20).fill(6),
    );
    await small.close();
  });

  it('is bounded over all texts of a request', async () => {
    const server = await serve({ 'mail.onnx': mailModel });
    const body = { texts: Array<string>(11).fill('w1 w2'.padEnd(10_000)), explain: true };
    expectError(await server.ask('POST', '/v1/classify', body), 'INPUT_INVALID', /110000 letters.*at most 100000/);
    expect((await server.ask('POST', '/v1/classify', { ...body, explain: false })).status).toBe(200);
    expect((await server.ask('POST', '/v1/classify', { ...body, texts: body.texts.slice(1) })).status).toBe(200);
    await server.close();
  });
});

describe('the OpenAPI document', () => {
  it('describes every route, and nothing else', async () => {
    const { json } = await server.ask('GET', '/openapi.json');
    expect(json.openapi).toBe('3.1.0');
    const described = Object.entries<object>(json.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.toSorted()).toEqual([
      'GET /',
      'GET /metrics',
      'GET /openapi.json',
      'GET /page.css',
      'GET /page.js',
      'GET /v1/models',
      'GET /v1/models/{model}',
      'GET /v2',
      'GET /v2/health/live',
      'GET /v2/health/ready',
      'GET /v2/models/{model}',
      'GET /v2/models/{model}/ready',
      'GET /v2/models/{model}/versions/{version}',
      'GET /v2/models/{model}/versions/{version}/ready',
      'POST /v1/classify',
      'POST /v2/models/{model}/infer',
      'POST /v2/models/{model}/versions/{version}/infer',
      'POST /v2/repository/index',
      'POST /v2/repository/models/{model}/load',
      'POST /v2/repository/models/{model}/unload',
    ]);
    const ids = Object.values<Record<string, { operationId: string }>>(json.paths).flatMap((methods) =>
      Object.values(methods).map(({ operationId }) => operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('metrics and logs', () => {
  it('are those that docs/serving.md names', async () => {
    const page = await readFile(new URL('../../../docs/serving.md', import.meta.url), 'utf8');
    const named = new Set([...page.matchAll(/`((?:nv_inference|recurrent|nodejs)_\w+)`/g)].map(([, name]) => name));
    expect(named.size).toBeGreaterThan(12);
    await infer({ inputs: [textInput(texts)] });
    await infer({ inputs: [textInput(texts, [9])] });
    const exposed = `${(await server.ask('GET', '/metrics')).bytes}`;
    const has = (name: string) => exposed.includes(`\n# TYPE ${name} `);
    expect([...named].filter((name) => !has(name as string))).toEqual([]);
    const own = [...exposed.matchAll(/^# TYPE ((?:nv_inference|recurrent)_\w+) /gm)].map(([, name]) => name);
    expect(own.filter((name) => !named.has(name))).toEqual([]);
  });

  it('count requests, rows, batches and failures by model and version', async () => {
    const count = async (line: string) => {
      const { bytes } = await server.ask('GET', '/metrics');
      return Number(new RegExp(`^${line.replaceAll(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(`${bytes}`)?.[1] ?? 0);
    };
    const labels = 'model="topics",version="1"';
    const [requests, rows] = [`nv_inference_request_success{${labels}}`, `nv_inference_count{${labels}}`];
    const failures = `nv_inference_request_failure{${labels},reason="INPUT_INVALID"}`;
    const before = [await count(requests), await count(rows), await count(failures)];
    await infer({ inputs: [textInput(texts)] }, '/v2/models/topics');
    await infer({ inputs: [textInput(texts, [9])] }, '/v2/models/topics');
    const after = [await count(requests), await count(rows), await count(failures)];
    expect(after.map((value, index) => value - (before[index] ?? 0))).toEqual([1, 4, 1]);
    expect(await count(`recurrent_model_ready{${labels}}`)).toBe(1);
    // Of the time since it was asked for last, in which there may have been no turn that was measured.
    await expect.poll(() => count('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0);
  });

  it('of the process are told by each of its servers, also when another has ended', async () => {
    const other = await serve({ 'mail.onnx': mailModel });
    const lag = async (from: Served) =>
      /^nodejs_eventloop_lag_p99_seconds \d/m.test(`${(await from.ask('GET', '/metrics')).bytes}`);
    expect(await lag(other)).toBe(true);
    await other.close();
    expect(await lag(server)).toBe(true);
  });

  it('log each request under its id, and never a text', async () => {
    const { headers } = await infer({ inputs: [textInput(['something secret'], [1])] });
    const line = server.log.find(({ reqId }) => reqId === headers.get('x-request-id'));
    expect(line).toMatchObject({
      method: 'POST',
      path: '/v2/models/mail/infer',
      status: 200,
      milliseconds: expect.any(Number),
    });
    expect(JSON.stringify(server.log)).not.toContain('secret');
  });
});

describe('a server under pressure', () => {
  it('leaves no timer behind a request', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    await Promise.all(Array.from({ length: 40 }, () => infer({ inputs: [textInput(texts)] })));
    expect(timers()).toBeLessThan(before + 20);
  });

  it('refuses with 429 what its queue cannot hold, and answers the rest', async () => {
    const small = await serve({ 'mail.onnx': mailModel }, { ...oneAtATime, maxQueue: 4 });
    const answers: Answer[] = [];
    const send = async (n: number) => answers.push(await small.ask('POST', '/v1/classify', { text: `w${n + 1}` }));
    const letGoOn = holdModels();
    const first = [0, 1].map(send); // one runs, one waits
    await expect.poll(() => waitingRows(small)).toBe(1);
    const others = Array.from({ length: 11 }, (_, n) => send(n + 2));
    await expect.poll(() => answers.length).toBe(8);
    for (const answer of answers) expectError(answer, 'QUEUE_FULL', /4 rows are waiting/);
    letGoOn();
    await Promise.all([...first, ...others]);
    expect(answers.slice(8).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    await small.close();
  });

  it('takes no more rows in a request than its queue holds, which no later time would change', async () => {
    const small = await serve({ 'mail.onnx': mailModel }, { maxQueue: 4 });
    const ask = (rows: number) =>
      small.ask('POST', '/v2/models/mail/infer', { inputs: [textInput(Array(rows).fill('w1'), [rows])] });
    expect((await ask(4)).status).toBe(200);
    expectError(await ask(5), 'INPUT_INVALID', /5 rows.*at most 4/);
    const many = { texts: Array<string>(100).fill('w1 w2') }; // a few at a time
    expect((await small.ask('POST', '/v1/classify', many)).status).toBe(200);
    await small.close();
  });

  it('answers 504 past the deadline of a request, and past its own', async () => {
    const slow = await serve({ 'mail.onnx': mailModel }, { maxDelayMs: 10_000, timeoutSeconds: 0.3 });
    const body = { inputs: [textInput(['w1'], [1])] };
    const own = await slow.ask('POST', '/v2/models/mail/infer', { ...body, parameters: { timeout: 20_000 } });
    expectError(own, 'DEADLINE_EXCEEDED', /within 20 ms/);
    expectError(await slow.ask('POST', '/v2/models/mail/infer', body), 'DEADLINE_EXCEEDED', /within 300 ms/);
    const longer = await slow.ask('POST', '/v2/models/mail/infer', { ...body, parameters: { timeout: 60_000_000 } });
    expectError(longer, 'DEADLINE_EXCEEDED', /within 300 ms/);
    await slow.close();
  });

  it('runs together what comes together', async () => {
    const batching = await serve({ 'mail.onnx': mailModel }, { maxDelayMs: 10_000, maxBatch: 8 });
    const began = performance.now();
    const send = (n: number) => batching.ask('POST', '/v1/classify', { text: `w${n + 1}` });
    const seven = [0, 1, 2, 3, 4, 5, 6].map(send);
    await expect.poll(() => waitingRows(batching)).toBe(7);
    await delay(60);
    await Promise.all([...seven, send(7)]); // with the eighth the batch is full
    const took = performance.now() - began;
    const { bytes } = await batching.ask('GET', '/metrics');
    expect(`${bytes}`).toContain('nv_inference_exec_count{model="mail",version="1"} 1\n');
    expect(`${bytes}`).toContain('recurrent_batch_rows_sum{model="mail",version="1"} 8\n');
    // Seven rows that waited 60 ms for the eighth: microseconds where the name says so, else seconds.
    const value = (name: string) =>
      Number(new RegExp(`^${name}\\{model="mail",version="1"\\} (\\S+)$`, 'm').exec(`${bytes}`)?.[1]);
    const waited = value('nv_inference_queue_duration_us');
    expect(waited).toBeGreaterThan(7 * 59_000);
    expect(value('nv_inference_request_duration_us')).toBeGreaterThan(waited);
    expect(value('nv_inference_request_duration_us')).toBeLessThan(8 * took * 1000);
    const seconds = value('recurrent_request_duration_seconds_sum');
    expect(seconds).toBeCloseTo(value('nv_inference_request_duration_us') / 1e6, 6);
    const ran = value('nv_inference_compute_infer_duration_us');
    expect(ran).toBeGreaterThan(1); // in seconds it would be far below
    await batching.close();
  });
});
