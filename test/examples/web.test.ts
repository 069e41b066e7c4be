/** The page of examples/web in a real browser: the numbers of Node, and not a request to anybody else. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import { loadClassifier } from '../../runtime/predict/classifier.ts';
import type { Prediction } from '../../runtime/predict/prediction.ts';
import { loadDataset } from '../../src/data/load.ts';
import { tolerances } from '../../src/parity/tolerances.ts';
import { train } from '../../src/training/train.ts';
import { build, repository } from '../package/built-package.ts';
import { chromiumPath, patience, whyNoChromium } from '../support/chromium.ts';

if (!chromiumPath) console.log(`skipped: examples/web in a browser: ${whyNoChromium}`);

const odd = ['', ' ', 'ÄPFEL İstanbul ΣΊΣΥΦΟΣ', '환불 해 주세요', 'refund 💸💸 refund', '<b>refund</b> & "parcel"'];

describe.skipIf(!chromiumPath)(`examples/web${chromiumPath ? '' : `: ${whyNoChromium}`}`, () => {
  let folder: string;
  let server: ChildProcess;
  let browser: Browser;
  let address: string;
  let texts: string[];
  let expected: Prediction[];

  beforeAll(async () => {
    build();
    folder = await mkdtemp(join(tmpdir(), 'recurrent-web-'));
    const data = await loadDataset(join(repository, 'examples/data/tickets.csv'));
    texts = [...data.examples.map(({ text }) => text), ...odd];
    const { model } = await train({
      data,
      spec: ({ vocabularySize, classes }) => ({
        version: 1,
        name: 'tickets',
        layers: [
          { type: 'embedding', inputDim: vocabularySize, outputDim: 8, maskZero: true },
          { type: 'bidirectional', layer: { type: 'lstm', units: 8 } },
          { type: 'dense', units: classes, activation: 'softmax' },
        ],
      }),
      maxLength: 16,
      epochs: 8,
      learningRate: 0.02,
    });
    const file = join(folder, 'model.onnx');
    await writeFile(file, exportOnnx(model));
    const classifier = await loadClassifier(file);
    expected = await classifier.predictBatch(texts);
    await classifier.dispose();

    const program = join(repository, 'examples/web/serve.mjs');
    server = spawn(process.execPath, [program, file, '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    [address] = (await once(createInterface({ input: server.stdout as NodeJS.ReadableStream }), 'line')) as [string];
    browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: ['--no-sandbox'] });
  });

  afterAll(async () => {
    await browser?.close();
    server?.kill();
    await rm(folder, { recursive: true, force: true });
  });

  /** `asked` and `said` are the requests and the messages of the page. */
  async function open(): Promise<{ page: Page; asked: string[]; said: string[] }> {
    const page = await browser.newPage();
    page.setDefaultTimeout(patience);
    const [asked, said]: [string[], string[]] = [[], []];
    page.on('request', (request) => asked.push(request.url()));
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(error.message));
    // All but eval: zod asks whether it may compile its checks, and interprets them where it may not.
    await page.addInitScript(
      `addEventListener('securitypolicyviolation', ({ blockedURI }) => blockedURI === 'eval' || console.log(blockedURI))`,
    );
    await page.goto(address);
    await page.waitForSelector('button:enabled');
    return { page, asked, said };
  }

  it('gives the predictions of onnxruntime-node', async () => {
    const { page, said } = await open();
    const seen = await page.evaluate<Prediction[]>(`import('recurrent-onnx/web').then(async ({ loadClassifier }) => {
      const classifier = await loadClassifier('/model.onnx');
      const predictions = await classifier.predictBatch(${JSON.stringify(texts)});
      await classifier.dispose();
      return predictions;
    })`);
    const differences = seen.flatMap(({ scores }, row) =>
      Object.entries(scores).map(([label, score]) => Math.abs(score - (expected[row]?.scores[label] ?? Number.NaN))),
    );
    expect(differences).toHaveLength(3 * texts.length);
    expect(Math.max(...differences)).toBeLessThan(tolerances.float32.probability);
    const words = (all: readonly Prediction[]) => all.map(({ label, words, knownWords }) => [label, words, knownWords]);
    expect(words(seen)).toEqual(words(expected));
    expect(said).toEqual([]);
    await page.close();
  });

  it('shows them, asks nobody else, and breaks no policy', async () => {
    const { page, asked, said } = await open();
    const lines = texts.slice(-4).filter((text) => text.trim() !== '');
    await page.fill('textarea', lines.join('\n\n'));
    await page.click('button');
    const rows = page.locator('tbody tr');
    await rows.nth(lines.length - 1).waitFor();
    for (const [row, text] of lines.entries()) {
      const { label, probability, words, knownWords } = expected[texts.indexOf(text)] ?? expect.fail();
      const cells = [label, probability.toFixed(4), `${knownWords} of ${words}`, text];
      expect(await rows.nth(row).locator('td').allTextContents()).toEqual(cells);
    }
    expect(await page.locator('#model').textContent()).toBe('tickets: billing, delivery, technical');
    expect(asked.filter((url) => !url.startsWith(address) && !url.startsWith('data:'))).toEqual([]);
    expect(asked.length).toBeGreaterThan(6);
    expect(said).toEqual([]);
    await page.close();
  });

  it('says why a model cannot be had', async () => {
    const { page } = await open();
    const error = (source: string) =>
      page.evaluate(`import('recurrent-onnx/web').then(async ({ loadClassifier }) =>
        loadClassifier(${source}).then(() => 'none', (error) => error.toJSON()))`);
    expect(await error(`'/none.onnx'`)).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(/404/),
    });
    expect(await error(`'/page.css'`)).toMatchObject({ code: 'ONNX_INVALID' });
    expect(await error(`'https://example.com/model.onnx'`)).toMatchObject({ code: 'DOWNLOAD_FAILED' });
    expect(await error('7')).toMatchObject({ code: 'INPUT_INVALID' });
    expect(await error(`'/model.onnx', { thread: 2 }`)).toMatchObject({ code: 'OPTION_UNKNOWN' });
    const cutShort = `await fetch('/model.onnx').then(async (got) => (await got.arrayBuffer()).slice(0, 900))`;
    expect(await error(cutShort)).toMatchObject({ code: 'ONNX_INVALID' });
    await page.close();
  });
});
