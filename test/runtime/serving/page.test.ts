/** The page at `/` in a real browser: by keyboard, on a phone, in the dark, and asking nobody but its server. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, patience, whyNoChromium } from '../../support/chromium.ts';
import { expectedProbabilities, mailModel, parityOf, type Served, serve, topicModel } from '../../support/serving.ts';

if (!chromiumPath) console.log(`skipped: the page of the server in a browser: ${whyNoChromium}`);
const key = 'only-for-the-tests';
const nasty = `<img src=x onerror=alert(1)>`;

let server: Served;
let locked: Served;
beforeAll(async () => {
  server = await serve({ 'mail/1/model.onnx': mailModel, 'topics.onnx': { ...topicModel, labels: ['a', 'b', nasty] } });
  await writeFile(
    join(server.folder, 'mail/1/history.csv'),
    'epoch,learningRate,loss,accuracy,validationLoss,validationAccuracy\n1,0.1,0.7,0.5,0.8,0.4\n2,0.1,0.3,0.9,0.5,0.7\n',
  );
  await writeFile(join(server.folder, 'mail/1/parity.json'), parityOf(mailModel));
  locked = await serve({ 'mail.onnx': mailModel }, { apiKey: key });
});
afterAll(() => Promise.all([server.close(), locked.close()]));

it('may be framed by nobody, and runs no script but its own', async () => {
  const { headers, bytes } = await server.ask('GET', '/');
  expect(headers.get('content-security-policy')).toContain("script-src 'self'");
  expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  expect(`${bytes}`).not.toMatch(/https?:\/\//);
});

describe.skipIf(!chromiumPath)(`in a browser${chromiumPath ? '' : `: ${whyNoChromium}`}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: ['--no-sandbox'] });
  });
  afterAll(() => browser?.close());

  async function open({ url }: Served, look: { width?: number; colorScheme?: 'light' | 'dark' } = {}) {
    const { width = 1000, colorScheme = 'light' } = look;
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
    page.setDefaultTimeout(patience);
    const [asked, said]: [string[], string[]] = [[], []];
    page.on('request', (request) => asked.push(new URL(request.url()).origin));
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(error.message));
    await page.goto(`${url}/`);
    return { page, asked, said };
  }

  const cells = (page: Page, caption: string) =>
    page
      .locator(`table:has(caption:text-is("${caption}")) tbody tr`)
      .evaluateAll((rows) =>
        rows.map((row) =>
          [...(row as unknown as { cells: Iterable<{ textContent: string }> }).cells].map(
            ({ textContent }) => textContent,
          ),
        ),
      );

  it.each([
    { width: 1000, colorScheme: 'light' },
    { width: 390, colorScheme: 'dark' },
  ] as const)('classifies by keyboard alone, $width pixels wide, $colorScheme', async (look) => {
    const { page, asked, said } = await open(server, look);
    await page.waitForSelector('#card h2');
    await page.focus('#text');
    await page.keyboard.type('w1 w2, w3');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Classify');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.label');
    const [[p = 0] = []] = expectedProbabilities(mailModel, ['w1 w2, w3']);
    const label = p > 0.5 ? 'spam' : 'ham';
    const percent = `${(Math.max(p, 1 - p) * 100).toFixed(1)} %`;
    expect(await page.textContent('.label')).toBe(`${label} ${percent}`);
    expect(await page.textContent('#result')).toMatch(/ms on the server, .* 3 of 3 words are known/);
    // Each word's part, held against the float64 reference of the text without it.
    const words = await cells(page, 'The strongest words');
    const without = { w1: ' w2, w3', w2: 'w1 , w3', w3: 'w1 w2, ' } as const;
    expect(words.map(([word]) => word).toSorted()).toEqual(['w1', 'w2', 'w3']);
    for (const [word, points] of words) {
      const [[q = 0] = []] = expectedProbabilities(mailModel, [without[word as keyof typeof without]]);
      const expected = (label === 'spam' ? p - q : q - p) * 100;
      expect(Math.abs(Number(points?.replace('−', '-')) - expected)).toBeLessThan(0.006); // two digits are shown
    }
    expect(new Set(asked)).toEqual(new Set([server.url]));
    expect(said).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(look.width);
    const background = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    expect(background).toBe(look.colorScheme === 'dark' ? 'rgb(22, 24, 29)' : 'rgb(255, 255, 255)');
    expect(
      await page.evaluate(`[...document.querySelectorAll('input, select, textarea, button')]
        .filter((field) => !field.labels?.length && !field.textContent).length`),
    ).toBe(0);
    // Headings are levels of one outline, and a column has a name.
    const headings = await page
      .locator('h1, h2, h3, h4')
      .evaluateAll((all) => all.map((one) => Number(one.tagName[1])));
    expect(headings.filter((level, index) => level > (headings[index - 1] ?? 0) + 1)).toEqual([]);
    expect(await page.locator('th:empty').count()).toBe(0);
    await page.close();
  });

  it('takes each line as a text', async () => {
    const { page } = await open(server);
    await page.fill('#text', 'w1 w2\n\nw3\nnothing');
    await page.check('#lines');
    await page.keyboard.press('Tab');
    await page.click('button');
    await page.waitForSelector('#result table');
    const rows = await cells(page, 'Results');
    expect(rows.map(([text]) => text)).toEqual(['w1 w2', 'w3', 'nothing']);
    await page.close();
  });

  it('shows the card: layers, facts, curves, parity', async () => {
    const { page } = await open(server);
    await page.waitForSelector('#card svg');
    const card = (await page.textContent('#card')) ?? '';
    for (const part of [
      'Model mail, version 1',
      'lstm (LSTM)',
      'ham, spam',
      'words in the vocabulary29',
      'rows compared1234',
    ]) {
      expect(card).toContain(part);
    }
    await page.focus('#card summary');
    await page.keyboard.press('Enter');
    expect(JSON.parse((await page.textContent('#card details[open] pre')) ?? '')).toEqual(mailModel.spec);
    const charts = await page
      .locator('#card svg')
      .evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')));
    expect(charts).toEqual(['Loss by epoch, from 2 epochs', 'Accuracy by epoch, from 2 epochs']);
    await page.close();
  });

  it('shows markup in texts and labels as the text that it is', async () => {
    const { page, said } = await open(server);
    await page.waitForSelector('#card h2');
    await page.selectOption('#model', 'topics');
    await page.fill('#text', nasty);
    await page.click('button');
    await page.waitForSelector('.label');
    expect(await page.locator('#result table').first().textContent()).toContain(nasty);
    expect(await page.evaluate(`document.querySelectorAll('img').length`)).toBe(0);
    expect(said).toEqual([]);
    await page.close();
  });

  it('asks for the API key where there is one, and says what was wrong', async () => {
    const { page } = await open(locked);
    await page.waitForSelector('#result [role=alert]');
    expect(await page.textContent('#result')).toContain('an API key is needed');
    await page.fill('#key', key);
    await page.keyboard.press('Tab');
    await page.waitForSelector('#card h2');
    await page.fill('#text', 'w1');
    await page.keyboard.press('Control+Enter');
    await page.waitForSelector('.label');
    await page.close();
  });
});
