/**
 * /openapi.json against OpenAPI's own schema, and the running server against the document: each answer has a status,
 * a media type and headers that stand there and a body of the form that stands there, with no field that does not; each
 * request that is taken is one that the document allows. Every operation is asked.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Answer,
  holdModels,
  mailModel,
  oneAtATime,
  parityOf,
  type Served,
  serve,
  topicModel,
  waitingRows,
} from '../../support/serving.ts';

interface Media {
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>;
}
interface Operation {
  readonly requestBody?: Media & { readonly required?: boolean };
  readonly responses: Readonly<Record<string, Media & { readonly headers?: object }>>;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly security?: readonly object[];
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly securitySchemes?: object };
}

const key = 'only-for-the-tests';
let server: Served;
let small: Served;
let crowded: Served;
let letGoOn = () => {};
let locked: Served;
let document: Document;
let lockedDocument: Document;
const seen = new Set<string>();

const documentOf = async (from: Served, headers = {}): Promise<Document> =>
  (await from.ask('GET', '/openapi.json', undefined, headers)).json;

beforeAll(async () => {
  server = await serve(
    { 'mail/1/model.onnx': mailModel, 'mail/3/model.onnx': mailModel, 'topics.onnx': topicModel },
    { maxRows: 32, maxBodyBytes: 20_000, modelControl: true },
  );
  for (const [name, text] of [
    ['history.csv', 'epoch,loss,accuracy,validationLoss\n1,0.7,0.5,\n2,0.3,0.9,0.5\n'],
    ['parity.json', parityOf(mailModel)],
  ] as const)
    await writeFile(join(server.folder, 'mail/3', name), text);
  small = await serve({ 'mail.onnx': mailModel }, { maxDelayMs: 10_000, timeoutSeconds: 0.1 });
  crowded = await serve({ 'mail.onnx': mailModel }, { ...oneAtATime, maxQueue: 1 });
  locked = await serve({ 'mail.onnx': mailModel }, { apiKey: key });
  document = await documentOf(server);
  lockedDocument = await documentOf(locked, { 'x-api-key': key });
});
afterAll(() => {
  letGoOn();
  return Promise.all([server, small, crowded, locked].map((each) => each.close()));
});

/** What a schema allows without saying so is refused here: a field of an object whose fields are listed. */
function strictly(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strictly);
  if (typeof schema !== 'object' || schema === null) return schema;
  const closed = 'properties' in schema && !('additionalProperties' in schema) ? { additionalProperties: false } : {};
  return { ...Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, strictly(value)])), ...closed };
}

const checkers = new Map<object, ValidateFunction>();

function expectValid(schema: object, value: unknown, what: string): void {
  let check = checkers.get(schema);
  if (!check) {
    const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
    ajv.addVocabulary(['components']);
    check = ajv.compile({ ...(strictly(schema) as object), components: strictly(document.components) });
    checkers.set(schema, check);
  }
  check(value);
  expect(check.errors ?? [], what).toEqual([]);
}

/** Holds an answer, and the request where it was taken, against the document. */
function hold(method: string, path: string, body: unknown, headers: Readonly<Record<string, string>>, answer: Answer) {
  const [template, operation] =
    Object.entries(document.paths)
      .map(([each, methods]) => [each, methods[method.toLowerCase()]] as const)
      .find(([each, own]) => own && new RegExp(`^${each.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path)) ??
    expect.fail();
  const what = `${method} ${path}: ${answer.status}`;
  const response = operation?.responses[answer.status] ?? expect.fail(`${what} is not in the document`);
  seen.add(`${method} ${template} ${answer.status}`);
  const type = answer.headers.get('content-type')?.split(';')[0] ?? '';
  const media = response.content?.[type] ?? expect.fail(`${what} has the type ${type}`);
  if (type === 'application/json') expectValid(media.schema ?? expect.fail(), answer.json, what);
  for (const name of ['x-request-id', 'retry-after', 'inference-header-content-length', 'www-authenticate']) {
    const told = Object.keys(response.headers ?? {}).map((each) => each.toLowerCase());
    if (answer.headers.has(name)) expect(told, what).toContain(name);
  }
  for (const name of Object.keys(headers)) {
    if (name === 'content-type' || name === 'x-api-key') continue;
    const told = operation?.parameters?.filter((each) => each.in === 'header').map((each) => each.name.toLowerCase());
    expect(told, what).toContain(name);
  }
  if (answer.status !== 200 || body === undefined) {
    if (answer.status === 200) expect(operation?.requestBody?.required ?? false, what).toBe(false);
    return;
  }
  const sent = headers['content-type'] ?? 'application/json';
  const schema = operation?.requestBody?.content?.[sent]?.schema ?? expect.fail(`${what}: no body of type ${sent}`);
  if (sent === 'application/json') expectValid(schema, body, `${what}, the request`);
}

const textInput = { name: 'text', datatype: 'BYTES', shape: [2], data: ['w1 w2', ''] };
const idsInput = { name: 'ids', datatype: 'INT64', shape: [1, 3], data: [[1, 2, 3]] };
const two = '/v2/models/mail';
const versioned = '/v2/models/mail/versions/1';
const binaryBody = JSON.stringify({ inputs: [textInput], parameters: { binary_data_output: true } });
const binary = { 'inference-header-content-length': String(binaryBody.length) };
const whole = {
  id: 'a',
  parameters: { timeout: 5_000_000 },
  inputs: [idsInput],
  outputs: [{ name: 'label' }, { name: 'probabilities', parameters: { classification: 2 } }],
};

const row = { inputs: [{ ...textInput, shape: [1], data: [''] }] };
/** A server whose queue is full: one row runs for as long as the process is held, another waits. */
async function full(): Promise<Served> {
  letGoOn = holdModels();
  const isFull = async () => (await waitingRows(crowded)) === 1;
  // A row that waits when one looks twice does not wait for its turn, but for the one that runs.
  while (!((await isFull()) && (await isFull()))) void crowded.ask('POST', `${two}/infer`, row);
  return crowded;
}

type From = () => Served | Promise<Served>;
const exchanges: readonly (readonly [number, string, string, unknown?, Record<string, string>?, From?])[] = [
  [200, 'GET', '/'],
  [200, 'GET', '/page.css'],
  [200, 'GET', '/page.js'],
  [200, 'GET', '/metrics'],
  [200, 'GET', '/openapi.json'],
  [200, 'GET', '/v2'],
  [200, 'GET', '/v2/health/live'],
  [200, 'GET', '/v2/health/ready'],
  [200, 'GET', '/v1/models'],
  [200, 'GET', '/v1/models/mail'],
  [200, 'GET', '/v1/models/topics'],
  [404, 'GET', '/v1/models/none'],
  [200, 'POST', '/v1/classify', { model: 'mail', text: 'w1 w2 x', explain: true }],
  [200, 'POST', '/v1/classify', { model: 'topics', version: '1', texts: ['w1', ''] }],
  [400, 'POST', '/v1/classify', { model: 'mail', texts: [] }],
  [404, 'POST', '/v1/classify', { model: 'none', text: '' }],
  [413, 'POST', '/v1/classify', { model: 'mail', text: 'w'.repeat(30_000) }],
  [415, 'POST', '/v1/classify', 'text', { 'content-type': 'text/plain' }],
  [504, 'POST', '/v1/classify', { text: 'w1' }, {}, () => small],
  ...[two, versioned].flatMap((model) => [
    [200, 'GET', model] as const,
    [200, 'GET', `${model}/ready`] as const,
    [200, 'POST', `${model}/infer`, { inputs: [textInput] }] as const,
    [200, 'POST', `${model}/infer`, whole] as const,
    [
      200,
      'POST',
      `${model}/infer`,
      { id: null, parameters: null, inputs: [{ ...idsInput, parameters: null }] },
    ] as const,
    [200, 'POST', `${model}/infer`, binaryBody, { ...binary, 'content-type': 'application/octet-stream' }] as const,
    [400, 'POST', `${model}/infer`, { inputs: [] }] as const,
    [400, 'POST', `${model}/infer`, { inputs: [{ ...textInput, shape: [3] }] }] as const,
    [413, 'POST', `${model}/infer`, ' '.repeat(30_000)] as const,
    [415, 'POST', `${model}/infer`, '{}', { 'content-type': 'text/xml' }] as const,
  ]),
  [404, 'GET', '/v2/models/none'],
  [400, 'GET', '/v2/models/%zz'],
  [404, 'GET', '/v2/models/none/ready'],
  [404, 'GET', '/v2/models/mail/versions/9'],
  [404, 'POST', '/v2/models/mail/versions/9/infer', { inputs: [textInput] }],
  [504, 'POST', `${two}/infer`, row, {}, () => small],
  [429, 'POST', `${two}/infer`, row, {}, full],
  [403, 'POST', '/v2/repository/index', {}, {}, () => small],
  [403, 'POST', '/v2/repository/models/mail/load', undefined, {}, () => small],
  [403, 'POST', '/v2/repository/models/mail/unload', {}, {}, () => small],
  [200, 'POST', '/v2/repository/index'],
  [200, 'POST', '/v2/repository/index', { ready: true }],
  [400, 'POST', '/v2/repository/index', { ready: 1 }],
  [200, 'POST', '/v2/repository/models/topics/unload', {}],
  [503, 'POST', '/v1/classify', { model: 'topics', text: 'w1' }],
  [503, 'GET', '/v1/models/topics'],
  [503, 'GET', '/v2/models/topics'],
  [503, 'GET', '/v2/models/topics/ready'],
  [200, 'POST', '/v2/repository/index', {}],
  [200, 'POST', '/v2/repository/models/topics/load'],
  [404, 'POST', '/v2/repository/models/none/load', { parameters: { unload_dependents: true } }],
];

describe('the OpenAPI document', () => {
  it('is one by the schema of OpenAPI 3.1, with and without keys', async () => {
    for (const each of [document, lockedDocument]) {
      const validator = new Validator();
      const { valid, errors } = await validator.validate(structuredClone(each) as unknown as Record<string, unknown>);
      expect({ valid, errors: errors ?? [] }).toEqual({ valid: true, errors: [] });
      expect(validator.version).toBe('3.1');
    }
    const broken = { ...document, paths: { '/x': { get: { responses: { 200: {} } } } } };
    expect((await new Validator().validate(broken as unknown as Record<string, unknown>)).valid).toBe(false);
  });

  it('is what the server does: statuses, types, headers, bodies, of every operation', async () => {
    for (const [status, method, path, body, headers = {}, from = () => server] of exchanges) {
      const answer = await (await from()).ask(method, path, body, headers);
      expect(answer.status, `${method} ${path} ${JSON.stringify(body)?.slice(0, 80)}: ${answer.bytes}`).toBe(status);
      hold(method, path, body, headers, answer);
    }
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path} 200`),
    );
    expect(operations.filter((each) => !seen.has(each))).toEqual([]);
  });

  it('tells which operations want a key, and how it is sent', async () => {
    for (const [path, methods] of Object.entries(lockedDocument.paths)) {
      for (const [method, { security, responses }] of Object.entries(methods)) {
        const filled = path.replaceAll(/\{\w+\}/g, 'mail');
        const { status, headers } = await locked.ask(method.toUpperCase(), filled);
        expect(status === 401, `${method} ${path}`).toBe(security !== undefined);
        expect('401' in responses, `${method} ${path}`).toBe(security !== undefined);
        if (status === 401) expect(headers.has('www-authenticate')).toBe(true);
      }
    }
    expect(lockedDocument.components.securitySchemes).toEqual({
      bearer: { type: 'http', scheme: 'bearer' },
      header: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
    });
    for (const headers of [{ authorization: `Bearer ${key}` }, { 'x-api-key': key }]) {
      expect((await locked.ask('GET', '/v2', undefined, headers)).status).toBe(200);
    }
    expect(JSON.stringify(document)).not.toContain('security');
  });
});
