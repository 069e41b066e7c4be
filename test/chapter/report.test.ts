/** The report of real runs in a real browser: whole, readable, and asking nobody for anything. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChapterResults } from '../../src/chapter/chapter.ts';
import { writeReport } from '../../src/chapter/report.ts';
import { loadMadeReviews, smallChapter } from '../support/chapter.ts';
import { chromiumPath, patience, whyNoChromium } from '../support/chromium.ts';

if (!chromiumPath) console.log(`skipped: the report in a browser: ${whyNoChromium}`);

/** What is on a page. */
interface Found {
  readonly tables: readonly { caption: string; heads: number; ragged: boolean; named: boolean }[];
  readonly charts: readonly string[];
  readonly drawn: boolean;
  readonly broken: number;
  readonly ids: readonly string[];
  readonly lang: string;
}

/** As text: the types of Node, which all the rest is checked with, know no page. */
const lookAround = `({
  tables: [...document.querySelectorAll('table')].map((table) => ({
    caption: table.caption?.textContent ?? '',
    heads: table.querySelectorAll('thead th[scope=col]').length,
    ragged: [...table.rows].some((row) => row.cells.length !== table.rows[0].cells.length),
    named: [...table.querySelectorAll('tbody tr')].every((row) => row.querySelector('th[scope=row]')?.textContent),
  })),
  charts: [...document.querySelectorAll('svg')].map((chart) => chart.querySelector('title')?.textContent ?? ''),
  drawn: [...document.querySelectorAll('svg')].every(
    (chart) => chart.closest('details') || chart.getBoundingClientRect().height > 100,
  ),
  broken: [...document.querySelectorAll('a')].filter((link) => !document.querySelector(link.hash)).length,
  ids: [...document.querySelectorAll('[id]')].map(({ id }) => id),
  lang: document.documentElement.lang,
})`;

let folder: string;
let results: ChapterResults;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recurrent-report-'));
  results = await smallChapter(await loadMadeReviews(folder), join(folder, 'out'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('names nothing outside the file but in words', () => {
  const page = writeReport(results);
  expect(page).not.toMatch(/\s(src|href|action|data|poster)="(?!#)/);
  expect(page).not.toMatch(/url\(|@import|<(script|link|iframe|object|embed|img)\b/i);
});

it('is the same page for the same results', () => {
  expect(writeReport(JSON.parse(JSON.stringify(results)))).toBe(writeReport(results));
});

/** What scrolls sideways and cannot be focused: a keyboard does not reach what it hides. */
const scrolledByPointerAlone = `[...document.querySelectorAll('main *')]
  .filter((each) => each.clientWidth > 0 && each.scrollWidth > each.clientWidth && each.tabIndex < 0)
  .filter((each) => getComputedStyle(each).overflowX === 'auto')
  .map((each) => each.outerHTML.slice(0, 80))`;

describe.skipIf(!chromiumPath)(`in a browser${chromiumPath ? '' : `: ${whyNoChromium}`}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: ['--no-sandbox'] });
  });
  afterAll(() => browser?.close());

  interface Look {
    readonly width: number;
    readonly colorScheme: 'light' | 'dark';
  }

  /** Opens a report; `asked` and `said` are the requests and the messages of the page. */
  async function open(given: ChapterResults, { width, colorScheme }: Look) {
    const file = join(folder, 'report.html');
    await writeFile(file, writeReport(given));
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
    page.setDefaultTimeout(patience);
    const [asked, said]: [string[], string[]] = [[], []];
    page.on('request', (request) => asked.push(request.url()));
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(error.message));
    await page.goto(pathToFileURL(file).href);
    return { page, asked, said, url: pathToFileURL(file).href };
  }

  it.each<Look>([
    { width: 1280, colorScheme: 'light' },
    { width: 1280, colorScheme: 'dark' },
    { width: 390, colorScheme: 'light' },
    { width: 390, colorScheme: 'dark' },
  ])('$width pixels wide, $colorScheme: asks for nothing, says nothing wrong, fits, can be read', async (look) => {
    const { page, asked, said, url } = await open(results, look);
    expect(asked).toEqual([url]);
    expect(said).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(look.width);
    const background = luminance(await colourOf(page, 'body', 'backgroundColor'));
    expect(background > 0.5).toBe(look.colorScheme === 'light');
    for (const place of ['body', 'td', 'td.theirs', 'caption', 'nav a', 'summary', '.good']) {
      expect({ place, contrast: contrast(luminance(await colourOf(page, place, 'color')), background) }).toEqual({
        place,
        contrast: expect.toSatisfy((ratio: number) => ratio >= 4.5),
      });
    }
    expect(await page.evaluate<string[]>(scrolledByPointerAlone)).toEqual([]);
    await page.close();
  });

  it('has its tables with captions and heads, its charts with titles, and every link leads somewhere', async () => {
    const { page } = await open(results, { width: 1280, colorScheme: 'light' });
    const found = await page.evaluate<Found>(lookAround);
    // Of the page: comparison, parts, facts, memory, parity, time; of each model: summary, runs.
    expect(found.tables.length).toBe(6 + 2 * 2);
    for (const table of found.tables) {
      expect(table).toMatchObject({ caption: expect.stringMatching(/\w/), ragged: false, named: true });
      expect(table.heads).toBeGreaterThan(1);
    }
    // Accuracy beside the authors', lengths, ROC; of each model: loss, accuracy, confusions.
    expect(found.charts.filter((title) => title !== '').length).toBe(3 + 3 * 2);
    expect(found.drawn).toBe(true);
    expect(found.broken).toBe(0);
    expect(new Set(found.ids).size).toBe(found.ids.length);
    expect(found.lang).toBe('en');
    await page.close();
  });

  it('shows the figures of the runs', async () => {
    const { page } = await open(results, { width: 1280, colorScheme: 'light' });
    const cells = await page
      .locator('section[aria-labelledby=gru-dropout] table')
      .last()
      .locator('tbody tr')
      .allInnerTexts();
    const { test, validation } = results.runs[3] ?? expect.fail();
    expect(cells[1]).toContain(validation.loss.toFixed(4));
    expect(cells[1]).toContain(test.accuracy.toFixed(4));
    expect(await page.textContent('body')).toContain(results.host.cpu);
    await page.close();
  });

  it('shows markup in labels, words and reviews as the text that it is', async () => {
    const nasty = `</td></table><script>document.title='x'</script><img src="https://example.com/x.png" onerror=alert(1)> & "it's"`;
    const hostile: ChapterResults = {
      ...results,
      facts: { ...results.facts, firstText: nasty, mostFrequent: [nasty], labels: [nasty, 'b'], recipe: nasty },
      host: { ...results.host, cpu: nasty },
      runs: results.runs.map((run) => ({ ...run, test: { ...run.test, labels: ['neg', nasty] } })),
    };
    const { page, asked, said, url } = await open(hostile, { width: 1280, colorScheme: 'light' });
    expect(asked).toEqual([url]);
    expect(said).toEqual([]);
    expect(await page.title()).toMatch(/^Recurrent networks/);
    expect(await page.textContent('blockquote')).toBe(`${nasty}…`);
    expect(await page.textContent('q')).toBe(nasty);
    expect(await page.evaluate(`document.querySelectorAll('script, img').length`)).toBe(0);
    await page.close();
  });
});

/** Red, green and blue from 0 to 255. */
async function colourOf(page: Page, place: string, property: 'color' | 'backgroundColor'): Promise<number[]> {
  const written = await page.evaluate<string>(`getComputedStyle(document.querySelector('${place}')).${property}`);
  return (written.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
}

/** WCAG 2.2: relative luminance, and the contrast of two. */
function luminance(colour: readonly number[]): number {
  const [red = 0, green = 0, blue = 0] = colour.map((level) => {
    const share = level / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: number, other: number): number {
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}
