/** The contract of gRPC: every call, status and way to send a tensor of the Open Inference Protocol. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { Client, credentials, Metadata, type ServiceError, status as statuses } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { healthProto, inferenceProto } from '../../../runtime/serving/grpc/proto.ts';
import { reflectionServices } from '../../../runtime/serving/grpc/reflection.ts';
import type { ServeOptions } from '../../../runtime/serving/options.ts';
import { catalogue, type ErrorCode } from '../../../src/core/errors.ts';
import {
  expectedProbabilities,
  holdModels,
  mailModel,
  oneAtATime,
  type Served,
  serve,
  tolerance,
  topicModel,
  waitingRows,
} from '../../support/serving.ts';

const root = new protobuf.Root();
for (const text of [inferenceProto, healthProto, ...reflectionServices.map(({ proto }) => proto)])
  protobuf.parse(text, root);
root.resolveAll();

let server: Served;
let client: Client;
const key = 'a key of the tests only';
beforeAll(async () => {
  server = await serve(
    { 'mail/2/model.onnx': mailModel, 'topics.onnx': topicModel },
    { grpcPort: 0, maxRows: 32, maxBodyBytes: 20_000, modelControl: true, apiKey: key.replaceAll(' ', '-') },
  );
  client = new Client(server.grpcAddress ?? '', credentials.createInsecure());
});
afterAll(async () => {
  for (const each of [client, ...clients]) each.close();
  await server.close();
});

// biome-ignore lint/suspicious/noExplicitAny: the fields of a message
type Message = any;

const clients: Client[] = [];
function clientOf({ grpcAddress }: Served): Client {
  const made = new Client(grpcAddress ?? '', credentials.createInsecure());
  clients.push(made);
  return made;
}

function call(
  method: string,
  request: object = {},
  headers: Readonly<Record<string, string>> = {},
  to = client,
  milliseconds = 20_000,
  onId: (id: string) => void = () => {},
): Promise<Message> {
  const service = root.lookupService(method === 'Check' ? 'grpc.health.v1.Health' : 'inference.GRPCInferenceService');
  const { resolvedRequestType, resolvedResponseType } = service.methods[method] as protobuf.Method;
  const metadata = new Metadata();
  for (const [name, value] of Object.entries({ 'x-api-key': key.replaceAll(' ', '-'), ...headers }))
    metadata.set(name, value);
  return new Promise((resolve, reject) => {
    const sent = to.makeUnaryRequest(
      `/${service.fullName.slice(1)}/${method}`,
      (value: object) => Buffer.from((resolvedRequestType as protobuf.Type).encode(value).finish()),
      (bytes) =>
        (resolvedResponseType as protobuf.Type).toObject((resolvedResponseType as protobuf.Type).decode(bytes), {
          longs: Number,
          defaults: true,
          enums: String,
        }),
      (resolvedRequestType as protobuf.Type).fromObject(request),
      metadata,
      { deadline: Date.now() + milliseconds },
      (error, answer) => (error ? reject(error) : resolve(answer)),
    );
    sent.on('metadata', (told) => onId(String(told.get('x-request-id')[0])));
  });
}

async function expectError(answer: Promise<unknown>, code: ErrorCode, says: RegExp): Promise<void> {
  const error = (await answer.then(
    () => expect.unreachable('it was to fail'),
    (failure) => failure,
  )) as ServiceError;
  expect({ status: statuses[error.code], details: error.details }).toEqual({
    status: catalogue[code].grpc,
    details: expect.stringMatching(new RegExp(`^${code}: .*${says.source}`)),
  });
}

const texts = ['w1 w2, w3', 'w29 and nothing else', '', 'w4 w5 w6 w7 w8 w9 w10'];
const bytesContents = (values: readonly string[]) => ({ bytesContents: values.map((text) => Buffer.from(text)) });
const textTensor = { name: 'text', datatype: 'BYTES', shape: [4], contents: bytesContents(texts) };
const idsTensor = { name: 'ids', datatype: 'INT32', shape: [1, 3], contents: { intContents: [1, 2, 3] } };
const infer = (request: object) => call('ModelInfer', { modelName: 'mail', ...request });

function floats(bytes: Uint8Array): number[] {
  return [...new Float32Array(new Uint8Array(bytes).buffer)];
}
function expectNear(given: readonly number[], expected: readonly number[]): void {
  expect(given.length).toBe(expected.length);
  for (const [index, value] of expected.entries())
    expect(Math.abs((given[index] ?? Number.NaN) - value)).toBeLessThan(tolerance);
}

describe('health and metadata', () => {
  it('tell what the server is', async () => {
    expect(await call('ServerLive')).toEqual({ live: true });
    expect(await call('ServerReady')).toEqual({ ready: true });
    expect(await call('ModelReady', { name: 'mail' })).toEqual({ ready: true });
    expect(await call('Check')).toEqual({ status: 'SERVING' });
    expect(await call('Check', { service: 'another' })).toEqual({ status: 'SERVICE_UNKNOWN' });
    const { json } = await server.ask('GET', '/v2', undefined, { 'x-api-key': key.replaceAll(' ', '-') });
    expect(await call('ServerMetadata')).toEqual(json);
  });

  it('tell of a model what REST tells', async () => {
    for (const name of ['mail', 'topics']) {
      const { json } = await server.ask('GET', `/v2/models/${name}`, undefined, {
        'x-api-key': key.replaceAll(' ', '-'),
      });
      expect(await call('ModelMetadata', { name })).toEqual(json);
    }
  });

  it.each(['ModelReady', 'ModelMetadata'])('%s knows no other model or version', async (method) => {
    await expectError(call(method, { name: 'none' }), 'MODEL_UNKNOWN', /none/);
    await expectError(call(method, { name: 'mail', version: '1' }), 'MODEL_UNKNOWN', /It has 2/);
  });
});

describe('ModelInfer', () => {
  it('takes typed contents and raw contents, and answers raw', async () => {
    const raw = Buffer.concat(
      texts.flatMap((text) => [Buffer.from(Uint32Array.of(Buffer.byteLength(text)).buffer), Buffer.from(text)]),
    );
    const { contents: _, ...plain } = textTensor;
    for (const request of [{ inputs: [textTensor] }, { inputs: [plain], rawInputContents: [raw] }]) {
      const answer = await infer({ id: 'mine', ...request });
      expect(answer).toMatchObject({ modelName: 'mail', modelVersion: '2', id: 'mine' });
      expect(answer.outputs.map(({ name, datatype, shape }: Message) => ({ name, datatype, shape }))).toEqual([
        { name: 'label', datatype: 'BYTES', shape: [4] },
        { name: 'probability', datatype: 'FP32', shape: [4] },
        { name: 'probabilities', datatype: 'FP32', shape: [4, 1] },
        { name: 'logits', datatype: 'FP32', shape: [4, 1] },
      ]);
      expectNear(floats(answer.rawOutputContents[2]), expectedProbabilities(mailModel, texts).flat());
    }
  });

  it.each([
    ['INT32', { intContents: [1, 2, 3] }, Int32Array.of(1, 2, 3)],
    ['INT64', { int64Contents: [1, 2, 3] }, BigInt64Array.of(1n, 2n, 3n)],
  ])('takes ids as %s', async (datatype, contents, array) => {
    const tensor = { name: 'ids', datatype, shape: [1, 3] };
    const requests = [
      { inputs: [{ ...tensor, contents }] },
      { inputs: [tensor], rawInputContents: [new Uint8Array(array.buffer)] },
    ];
    for (const request of requests) {
      const answer = await infer({ ...request, outputs: [{ name: 'probabilities' }] });
      expectNear(floats(answer.rawOutputContents[0]), expectedProbabilities(mailModel, ['w1 w2 w3']).flat());
    }
  });

  it('takes parameters of every kind', async () => {
    const outputs = [{ name: 'probabilities', parameters: { classification: { int64Param: 1 } } }];
    const answer = await call('ModelInfer', {
      modelName: 'topics',
      inputs: [textTensor],
      outputs,
      parameters: { timeout: { uint64Param: 5_000_000 }, binary_data_output: { boolParam: true } },
    });
    expect(answer.outputs[0]).toMatchObject({ datatype: 'BYTES', shape: [4, 1] });
    expect(Buffer.from(answer.rawOutputContents[0]).toString()).toMatch(/0\.\d{6}:\d:(sport|news|über)/);
  });

  it.each<[object, ErrorCode, RegExp]>([
    [{ modelName: 'none', inputs: [textTensor] }, 'MODEL_UNKNOWN', /none/],
    [{ modelVersion: '7', inputs: [textTensor] }, 'MODEL_UNKNOWN', /7/],
    [{ inputs: [] }, 'INPUT_INVALID', /0 inputs/],
    [{ inputs: [textTensor, idsTensor] }, 'INPUT_INVALID', /2 inputs/],
    [{ inputs: [{ ...textTensor, shape: [5] }] }, 'INPUT_INVALID', /4 elements, its shape 5/],
    [{ inputs: [{ ...textTensor, shape: [-1] }] }, 'INPUT_INVALID', /shape \[-1\]/],
    [{ inputs: [{ ...idsTensor, shape: [2 ** 40, 2 ** 40] }] }, 'INPUT_INVALID', /rows/],
    [{ inputs: [{ ...idsTensor, contents: { intContents: [1, 2, 30] } }] }, 'INPUT_INVALID', /id 30/],
    [{ inputs: [{ ...idsTensor, datatype: 'INT64' }] }, 'REQUEST_INVALID', /INT64, but has intContents/],
    [{ inputs: [{ ...idsTensor, datatype: 'FP32' }] }, 'INPUT_INVALID', /FP32/],
    [{ inputs: [{ ...idsTensor, datatype: 'COMPLEX' }] }, 'REQUEST_INVALID', /COMPLEX/],
    [{ inputs: [idsTensor], rawInputContents: [Buffer.alloc(12)] }, 'REQUEST_INVALID', /both/],
    [
      { inputs: [idsTensor], rawInputContents: [Buffer.alloc(1), Buffer.alloc(1)] },
      'REQUEST_INVALID',
      /2 raw contents/,
    ],
    [{ inputs: [{ ...idsTensor, contents: {} }], rawInputContents: [Buffer.alloc(11)] }, 'INPUT_INVALID', /11 bytes/],
    [
      { inputs: [{ ...textTensor, shape: [1], contents: { bytesContents: [Buffer.from([0xc3, 0x28])] } }] },
      'INPUT_INVALID',
      /not UTF-8/,
    ],
    [{ inputs: [textTensor], outputs: [{ name: 'none' }] }, 'INPUT_INVALID', /no output none/],
    [
      { inputs: [textTensor], parameters: { sequence_id: { int64Param: 3 } } },
      'INPUT_INVALID',
      /of sequence . is input text of shape/,
    ],
    [{ inputs: [textTensor], parameters: { timeout: {} } }, 'REQUEST_INVALID', /no value/],
    [{ inputs: [textTensor], parameters: { timeout: { stringParam: 'x' } } }, 'REQUEST_INVALID', /timeout/],
  ])('refuses %j with %s', async (request, code, says) => {
    await expectError(infer(request), code, says);
  });

  it('refuses a message that is too large, and goes on', async () => {
    const large = { ...textTensor, shape: [1], contents: bytesContents(['w'.repeat(20_001)]) };
    await expect(infer({ inputs: [large] })).rejects.toMatchObject({ code: statuses.RESOURCE_EXHAUSTED });
    expect(await call('ServerReady')).toEqual({ ready: true });
  });

  it('refuses a name of 15,000 letters with a message that fits into a header', async () => {
    const input = { ...idsTensor, name: 'é'.repeat(7500) };
    await expectError(infer({ inputs: [input] }), 'INPUT_INVALID', /the model has no input é+…\. Give text/);
    expect(await call('ServerReady')).toEqual({ ready: true });
  });

  it('refuses bytes that are no message', async () => {
    const withKey = new Metadata();
    withKey.set('x-api-key', key.replaceAll(' ', '-'));
    const garbage = new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        '/inference.GRPCInferenceService/ModelInfer',
        () => Buffer.from([0xff, 0xff, 0xff, 0xff]),
        (bytes) => bytes,
        {},
        withKey,
        {},
        (error, answer) => (error ? reject(error) : resolve(answer)),
      );
    });
    await expectError(garbage, 'REQUEST_INVALID', /the message is no ModelInferRequest/);
    expect(await call('ServerReady')).toEqual({ ready: true });
  });
});

/** Every message with its fields, every enum, every method with its types, by their full names. */
function contentsOf(given: protobuf.NamespaceBase): object {
  const below = given.nestedArray.filter((each) => each instanceof protobuf.Namespace).map(contentsOf);
  return Object.assign({}, ...below, {
    ...(given instanceof protobuf.Type && {
      [given.fullName]: given.fieldsArray.map((field) => [
        field.id,
        protobuf.util.camelCase(field.name),
        field.resolvedType?.fullName ?? field.type,
        field.map || field.repeated,
        field.partOf?.name,
      ]),
    }),
    ...Object.fromEntries(
      given.nestedArray.flatMap((each) => (each instanceof protobuf.Enum ? [[each.fullName, each.values]] : [])),
    ),
    ...(given instanceof protobuf.Service && {
      [given.fullName]: given.methodsArray.map((method) => [
        method.name,
        method.resolvedRequestType?.fullName,
        method.resolvedResponseType?.fullName,
        method.requestStream === true,
      ]),
    }),
  });
}

describe.each(['v1', 'v1alpha'])('reflection, %s', (version) => {
  const service = root.lookupService(`grpc.reflection.${version}.ServerReflection`);
  const { resolvedRequestType, resolvedResponseType } = service.methods.ServerReflectionInfo as protobuf.Method;

  function open(to = client, apiKey = key.replaceAll(' ', '-')) {
    const metadata = new Metadata();
    metadata.set('x-api-key', apiKey);
    return to.makeBidiStreamRequest(
      `/${service.fullName.slice(1)}/ServerReflectionInfo`,
      (value: object) => Buffer.from(resolvedRequestType?.encode(value).finish() ?? []),
      (bytes) =>
        (resolvedResponseType as protobuf.Type).toObject((resolvedResponseType as protobuf.Type).decode(bytes)),
      metadata,
      { deadline: Date.now() + 20_000 },
    );
  }

  async function ask(...requests: readonly object[]): Promise<Message[]> {
    const stream = open();
    for (const request of requests) stream.write(request);
    stream.end();
    return (await stream.toArray()) as Message[];
  }

  it('lists the services, and gives the files that they stand in, from which a client is made', async () => {
    const [{ validHost, originalRequest, listServicesResponse }] = await ask({ host: 'here', listServices: '*' });
    expect({ validHost, originalRequest }).toEqual({
      validHost: 'here',
      originalRequest: { host: 'here', listServices: '*' },
    });
    const services = listServicesResponse.service.map(({ name }: { name: string }) => name);
    expect(services).toEqual([
      'inference.GRPCInferenceService',
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
    ]);
    const answers = await ask(...services.map((name: string) => ({ fileContainingSymbol: name })));
    const file = answers.map(({ fileDescriptorResponse: { fileDescriptorProto } }) =>
      descriptor.FileDescriptorProto.decode(fileDescriptorProto[0]),
    );
    const found = protobuf.Root.fromDescriptor(descriptor.FileDescriptorSet.encode({ file }).finish()).resolveAll();
    const kept = new protobuf.Root();
    for (const text of [inferenceProto, healthProto, ...reflectionServices.map(({ proto }) => proto)])
      protobuf.parse(text, kept, { keepCase: true });
    kept.resolveAll();
    expect(contentsOf(found)).toEqual(contentsOf(kept));
    // Go's readers, grpcurl's among them, hold the names of map entries to the rule of the language.
    const { messageType = [] } = file[0] as descriptor.IFileDescriptorProto;
    const { field = [], nestedType = [] } = messageType.find(({ name }) => name === 'ModelInferRequest') ?? {};
    expect(field.find(({ name }) => name === 'parameters')?.typeName).toBe('ParametersEntry');
    expect(nestedType.filter(({ options }) => options?.mapEntry).map(({ name }) => name)).toEqual(['ParametersEntry']);
    const byName = await ask({ fileByFilename: file[0]?.name });
    expect(byName[0].fileDescriptorResponse).toEqual(answers[0].fileDescriptorResponse);
    for (const symbol of [
      'inference.ModelInferRequest.InferInputTensor',
      'inference.GRPCInferenceService.ModelInfer',
    ]) {
      const [{ fileDescriptorResponse }] = await ask({ fileContainingSymbol: symbol });
      expect(fileDescriptorResponse).toEqual(answers[0].fileDescriptorResponse);
    }
  });

  it('says what it has not, and goes on', async () => {
    const answers = await ask(
      { fileContainingSymbol: 'inference.None' },
      { fileByFilename: '../../etc/passwd' },
      { fileContainingExtension: { containingType: 'inference.InferParameter', extensionNumber: 9 } },
      { allExtensionNumbersOfType: 'inference.None' },
      { allExtensionNumbersOfType: 'inference.InferParameter' },
      {},
    );
    expect(answers.map(({ errorResponse }) => errorResponse?.errorCode)).toEqual([5, 5, 5, 5, undefined, 3]);
    expect(answers[0].errorResponse.errorMessage).toContain('no symbol inference.None');
    expect(answers[4].allExtensionNumbersResponse).toEqual({ baseTypeName: 'inference.InferParameter' });
  });

  it('wants the key, refuses bytes that are no request, and holds up no end', async () => {
    const ends = (stream: ReturnType<typeof open>) =>
      new Promise<ServiceError>((resolve) => stream.on('error', resolve).resume());
    const refused = await ends(open(client, 'another'));
    expect(refused).toMatchObject({
      code: statuses.UNAUTHENTICATED,
      details: expect.stringMatching(/^UNAUTHENTICATED: /),
    });
    const other = await serve({ 'mail.onnx': mailModel }, { grpcPort: 0 });
    const its = clientOf(other);
    const broken = its.makeBidiStreamRequest(
      `/${service.fullName.slice(1)}/ServerReflectionInfo`,
      () => Buffer.from([0x0a, 0xff]),
      (bytes) => bytes,
    );
    broken.write({});
    expect((await ends(broken)).details).toMatch(/^REQUEST_INVALID: the message is no ServerReflectionRequest/);
    const stays = open(its);
    stays.write({ listServices: '' });
    await once(stays, 'data');
    const ended = ends(stays);
    const began = performance.now();
    await other.close();
    expect(performance.now() - began).toBeLessThan(20_000); // a request has 30 s
    await ended;
  });
});

describe('keys', () => {
  it('are wanted for all but health', async () => {
    for (const headers of [{ 'x-api-key': 'another' }, { 'x-api-key': '' }]) {
      await expectError(call('ModelInfer', { modelName: 'mail' }, headers), 'UNAUTHENTICATED', /API key/);
      await expectError(call('ServerMetadata', {}, headers), 'UNAUTHENTICATED', /API key/);
      expect(await call('ServerReady', {}, headers)).toEqual({ ready: true });
      expect(await call('Check', {}, headers)).toEqual({ status: 'SERVING' });
    }
    const bearer = { 'x-api-key': '', authorization: `Bearer ${key.replaceAll(' ', '-')}` };
    expect(await call('ServerMetadata', {}, bearer)).toMatchObject({ name: 'recurrent-onnx' });
  });
});

describe('statuses', () => {
  /** Another server, and calls on it. */
  async function withServer<T>(options: ServeOptions, work: (ask: typeof infer, other: Served) => Promise<T>) {
    const other = await serve({ 'mail.onnx': mailModel }, { grpcPort: 0, ...options });
    const its = new Client(other.grpcAddress ?? '', credentials.createInsecure());
    try {
      return await work((request) => call('ModelInfer', { modelName: 'mail', ...request }, {}, its), other);
    } finally {
      its.close();
      await other.close();
    }
  }
  const one = (text: string) => ({ inputs: [{ ...textTensor, shape: [1], contents: bytesContents([text]) }] });

  it('RESOURCE_EXHAUSTED is a full queue; what was taken is answered', async () => {
    await withServer({ ...oneAtATime, maxQueue: 4 }, async (ask, other) => {
      const refused: unknown[] = [];
      const answered: unknown[] = [];
      const send = (n: number) =>
        ask(one(`w${n + 1}`)).then(
          (answer) => answered.push(answer),
          (error) => refused.push(error),
        );
      const letGoOn = holdModels();
      const first = [0, 1].map(send); // one runs, one waits
      await expect.poll(() => waitingRows(other)).toBe(1);
      const others = Array.from({ length: 11 }, (_, n) => send(n + 2));
      await expect.poll(() => refused.length).toBe(8);
      letGoOn();
      await Promise.all([...first, ...others]);
      expect(answered).toHaveLength(5);
      for (const error of refused) await expectError(Promise.reject(error), 'QUEUE_FULL', /4 rows are waiting/);
    });
  });

  it('DEADLINE_EXCEEDED is the timeout of a request, and the deadline of the call takes its row back', async () => {
    await withServer(oneAtATime, async (ask, other) => {
      const letGoOn = holdModels();
      const late = ask({ ...one('w1'), parameters: { timeout: { int64Param: 20_000 } } });
      await expectError(late, 'DEADLINE_EXCEEDED', /within 20 ms/);
      const line = {
        level: 40,
        code: 'DEADLINE_EXCEEDED',
        reqId: expect.any(String),
        msg: 'a request was not answered',
      };
      expect(other.log).toContainEqual(expect.objectContaining(line)); // as over REST
      // The process still has the row of before, so this one waits; a deadline that is over before that is seen shows nothing.
      let seen = false;
      for (let milliseconds = 300; !seen && milliseconds < 60_000; milliseconds *= 2) {
        let over = false;
        const gone = call('ModelInfer', { modelName: 'mail', ...one('w1') }, {}, clientOf(other), milliseconds)
          .catch((error) => error)
          .finally(() => {
            over = true;
          });
        while (!seen && !over) seen = (await waitingRows(other)) === 1;
        expect(await gone).toMatchObject({ code: statuses.DEADLINE_EXCEEDED });
      }
      expect(seen).toBe(true);
      await expect.poll(() => waitingRows(other)).toBe(0);
      letGoOn();
    });
  });

  it('PERMISSION_DENIED is a server without leave for model control', async () => {
    await withServer({}, async (_, other) => {
      for (const method of ['RepositoryIndex', 'RepositoryModelLoad', 'RepositoryModelUnload']) {
        const denied = call(method, { modelName: 'mail' }, {}, clientOf(other));
        await expectError(denied, 'MODEL_CONTROL_OFF', /--model-control/);
      }
    });
  });

  it('UNIMPLEMENTED is a method or a service that there is not', async () => {
    for (const path of ['/inference.GRPCInferenceService/ModelStreamInfer', '/another.Service/Call']) {
      const answer = new Promise((resolve, reject) => {
        const same = (bytes: Buffer) => bytes;
        client.makeUnaryRequest(path, same, same, Buffer.alloc(0), new Metadata(), {}, (error, bytes) =>
          error ? reject(error) : resolve(bytes),
        );
      });
      await expect(answer).rejects.toMatchObject({ code: statuses.UNIMPLEMENTED });
    }
  });

  it('UNAVAILABLE is a server that has stopped', async () => {
    let address = '';
    await withServer({}, async (_, other) => {
      address = other.grpcAddress ?? '';
    });
    const late = new Client(address, credentials.createInsecure());
    await expect(call('ServerLive', {}, {}, late)).rejects.toMatchObject({ code: statuses.UNAVAILABLE });
    late.close();
  });

  it('come to all calls that are there when the server ends, and no silent connection holds it up', async () => {
    await withServer(oneAtATime, async (ask, other) => {
      const [hostname = '', port] = (other.grpcAddress ?? '').split(':');
      const [silent, half] = [connect(Number(port), hostname), connect(Number(port), hostname)];
      for (const socket of [silent, half]) socket.on('error', () => {}).resume();
      half.write('PRI * HTTP/2.0\r\n');
      await Promise.all([once(silent, 'connect'), once(half, 'connect')]);
      const letGoOn = holdModels();
      const waits = [ask(one('w1 w2')), ask(one('w3'))]; // one runs, one waits
      await expect.poll(() => waitingRows(other)).toBe(1);
      const closed = other.close();
      letGoOn();
      for (const answer of await Promise.all(waits)) expect(answer).toMatchObject({ modelName: 'mail' });
      const answered = performance.now();
      await closed;
      expect(performance.now() - answered).toBeLessThan((oneAtATime.timeoutSeconds * 1000) / 2);
      for (const socket of [silent, half]) if (!socket.closed) await once(socket, 'close');
    });
  });

  it('of every call is in the log under the id that its metadata has', async () => {
    const ids: string[] = [];
    const listen = (id: string) => ids.push(id);
    await call('ServerMetadata', {}, {}, client, 20_000, listen);
    await call('ModelMetadata', { name: 'none' }, {}, client, 20_000, listen).catch(() => {});
    const lines = ids.map((id) => server.log.find(({ reqId }) => reqId === id));
    expect(lines).toMatchObject([
      { method: 'ServerMetadata', status: 'OK', milliseconds: expect.any(Number) },
      { method: 'ModelMetadata', status: 'NOT_FOUND' },
    ]);
  });
});

describe('the model repository', () => {
  it('lists, unloads and loads', async () => {
    const topics = { name: 'topics', version: '1', reason: '' };
    expect((await call('RepositoryIndex')).models).toContainEqual({ ...topics, state: 'READY' });
    await call('RepositoryModelUnload', { modelName: 'topics' });
    expect((await call('RepositoryIndex')).models).toContainEqual({
      ...topics,
      state: 'UNAVAILABLE',
      reason: 'unloaded',
    });
    expect((await call('RepositoryIndex', { ready: true })).models).toHaveLength(1);
    expect(await call('ModelReady', { name: 'topics' })).toEqual({ ready: false });
    await expectError(call('ModelInfer', { modelName: 'topics', inputs: [textTensor] }), 'NOT_READY', /unloaded/);
    expect(await call('ServerReady')).toEqual({ ready: true });
    await call('RepositoryModelLoad', { modelName: 'topics' });
    expect(await call('ModelReady', { name: 'topics' })).toEqual({ ready: true });
    await expectError(call('RepositoryModelLoad', { modelName: 'none' }), 'MODEL_UNKNOWN', /none/);
    await expectError(call('RepositoryModelUnload', { modelName: 'none' }), 'MODEL_UNKNOWN', /none/);
    const parameters = { config: { stringParam: '{}' } };
    await expectError(call('RepositoryModelLoad', { modelName: 'topics', parameters }), 'OPTION_UNSUPPORTED', /config/);
  });
});
