/** Charts as text: their elements, their numbers, whatever words and values they are given. resvg parses XML strictly: it is the judge. */
import { Resvg } from '@resvg/resvg-wasm';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { confusionChart, paperFrom } from '../../src/report/confusion-chart.ts';
import { histogram } from '../../src/report/histogram.ts';
import { accuracyChart, lossChart } from '../../src/report/history-charts.ts';
import { lineChart } from '../../src/report/line-chart.ts';
import { placeMarks } from '../../src/report/marks.ts';
import { loadPngRenderer } from '../../src/report/png.ts';
import { rocCurve } from '../../src/report/roc.ts';
import { rocChart } from '../../src/report/roc-chart.ts';
import { textWidth } from '../../src/report/text-width.ts';
import { type Colour, seriesColours, shadesOf } from '../../src/report/theme.ts';

beforeAll(async () => {
  await loadPngRenderer(); // starts resvg
});

/** Hostile as well as plain. */
const words = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({
    unit: fc.constantFrom('<', '>', '&', '"', "'", ']]>', '\u0000', '\ud800', '\uffff', '\u202e', '한', '🙂', ' '),
  }),
  fc.constantFrom('<script>alert(1)</script>', '&amp;', '<!--', '</svg>', 'javascript:x', 'id="a"'),
);
const value = fc.oneof(
  fc.double({ min: -1e6, max: 1e6, noNaN: true }),
  fc.constantFrom(null, Number.NaN, Number.POSITIVE_INFINITY, 0, 1),
);
const values = fc.array(value, { maxLength: 60 });

const arbitraryChart = fc.oneof(
  fc
    .record({
      ...{
        title: words,
        note: fc.option(words, { nil: undefined }),
        xLabel: words,
        yLabel: words,
        percent: fc.boolean(),
      },
      columns: fc.array(fc.record({ name: words, values, low: values, high: values, dashed: fc.boolean() }), {
        maxLength: 9,
      }),
      length: fc.nat(60),
      marks: fc.array(fc.record({ x: fc.nat(60), label: words }), { maxLength: 4 }),
    })
    .map(({ columns, length, ...chart }) =>
      lineChart({
        ...chart,
        x: Array.from({ length }, (_, index) => index + 1),
        series: columns.map(({ low, high, ...one }) => ({ ...one, band: { low, high } })),
      }),
    ),
  fc
    .record({
      ...{ title: words, note: fc.option(words, { nil: undefined }), xLabel: words, yLabel: words },
      values: values.map((all) => all.map((one) => one ?? 0)),
      marks: fc.array(fc.record({ x: fc.nat(60), label: words }), { maxLength: 4 }),
    })
    .map(histogram),
  fc
    .record({ title: words, labels: fc.array(words, { minLength: 2, maxLength: 30 }), counts: fc.nat(1e6) })
    .map(({ title, labels, counts }) =>
      confusionChart({
        title,
        labels,
        counts: labels.map((_, row) => labels.map((__, column) => (counts * row) % (column + 7))),
      }),
    ),
  fc
    .record({
      title: words,
      names: fc.array(words, { maxLength: 14 }),
      scores: fc.array(fc.double({ min: 0, max: 1, noNaN: true })),
    })
    .map(({ title, names, scores }) =>
      rocChart({
        title,
        curves: names.map((name, index) => ({
          name,
          curve: rocCurve(
            scores,
            scores.map((_, row) => row % (index + 2) === 0),
          ),
        })),
      }),
    ),
);

/** XML 1.0, section 2.2. */
const unholdable = (code: number) =>
  (code < 0x20 && ![9, 10, 13].includes(code)) ||
  (code >= 0xd800 && code < 0xe000) ||
  code === 0xfffe ||
  code === 0xffff;

/** The content of the first element of a name, its entities resolved. */
function contentOf(svg: string, name: string): string {
  const content = new RegExp(`<${name}>([^<]*)</${name}>`).exec(svg)?.[1] ?? '';
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', amp: '&' };
  return content.replace(/&(\w+);/g, (_, entity) => entities[entity] ?? 'unknown');
}

describe('every chart', () => {
  it('is sound XML of finite numbers, whatever it is given', () => {
    fc.assert(
      fc.property(arbitraryChart, (svg) => {
        new Resvg(svg).free(); // throws where it is no XML
        expect(svg).not.toMatch(/(?:NaN|Infinity|undefined|null)["\s,)]/);
        // attributes that would collide, load or run: the words in them are escaped, so quotes tell
        expect(svg).not.toMatch(/ (?:id|href|on\w+)="|url\(|<script/);
        expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" class="recurrent-chart" role="img" viewBox=/);
      }),
      { numRuns: 300 },
    );
  });

  it('has its words as they are, but for what XML cannot hold', () => {
    fc.assert(
      fc.property(words, words, (title, note) => {
        const svg = lineChart({ title, note, xLabel: '', yLabel: '', x: [], series: [] });
        const holdable = (text: string) =>
          Array.from(text, (letter) => (unholdable(letter.codePointAt(0) ?? 0) ? '\ufffd' : letter)).join('');
        expect(contentOf(svg, 'title')).toBe(holdable(title));
        expect(contentOf(svg, 'desc')).toBe(holdable(note));
      }),
    );
  });
});

/** Points of the path that is drawn in a colour, a list for each piece. */
function pieces(svg: string, colour: Colour): number[][][] {
  const d = new RegExp(`<path d="([^"]*)"[^>]*class="stroke-${colour}"`).exec(svg)?.[1] ?? '';
  return d
    .split('M')
    .slice(1)
    .map((piece) =>
      piece
        .replace(/Z$/, '')
        .split('L')
        .map((point) => point.split(',').map(Number)),
    );
}

const chart = { title: 't', xLabel: 'x', yLabel: 'y' };

describe('curves', () => {
  it('lie where their values say, in proportion and inside the drawing', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -5000, max: 5000 }), { minLength: 3, maxLength: 50 }), (ys) => {
        const svg = lineChart({
          ...chart,
          x: ys.map((_, index) => index),
          series: [{ name: 'a', values: ys }],
          width: 500,
          height: 300,
        });
        const [points = []] = pieces(svg, 'blue');
        expect(points).toHaveLength(ys.length);
        const low = ys.indexOf(Math.min(...ys));
        const high = ys.indexOf(Math.max(...ys));
        const [lowest = [], highest = []] = [points[low], points[high]] as number[][];
        const slope = ((lowest[1] ?? 0) - (highest[1] ?? 0)) / ((ys[high] ?? 0) - (ys[low] ?? 0) || 1);
        expect(slope).toBeGreaterThanOrEqual(0); // up is more
        for (const [index, [x = -1, y = -1]] of points.entries()) {
          expect(x > 0 && x < 500 && y > 0 && y < 300).toBe(true);
          expect(y).toBeCloseTo((highest[1] ?? 0) + slope * ((ys[high] ?? 0) - (ys[index] ?? 0)), 0);
          const [first = [], last = []] = [points[0], points.at(-1)];
          expect(x).toBeCloseTo((first[0] ?? 0) + (index * ((last[0] ?? 0) - (first[0] ?? 0))) / (ys.length - 1), 0);
        }
      }),
    );
  });

  it('have gaps, and dots where a point stands alone', () => {
    const svg = lineChart({
      ...chart,
      x: [1, 2, 3, 4, 5],
      series: [{ name: 'a', values: [1, 2, null, 3, Number.NaN] }],
    });
    expect(pieces(svg, 'blue').map((piece) => piece.length)).toEqual([2, 1]);
    expect(svg.match(/<circle/g)).toHaveLength(3);
    const many = Array.from({ length: 100 }, (_, index) => index);
    const lone = lineChart({
      ...chart,
      x: many,
      series: [{ name: 'a', values: many.map((x) => (x === 50 ? x : x < 40 ? x : null)) }],
    });
    expect(lone.match(/<circle/g)).toHaveLength(1);
  });

  it('have ticks of whole epochs, and of per cents', () => {
    const history = [1, 2].map((epoch) => ({
      epoch,
      learningRate: 1,
      loss: 1 / epoch,
      accuracy: 0.8 + epoch / 20,
      validationLoss: null,
      validationAccuracy: null,
    }));
    const ticks = (svg: string) => [...svg.matchAll(/class="fill-muted"[^>]*>([^<]*)</g)].map(([, words]) => words);
    expect(ticks(lossChart(history))).toEqual(['0.5', '0.6', '0.7', '0.8', '0.9', '1.0', '1', '2']);
    expect(ticks(accuracyChart(history, { bestEpoch: 2 }))).toEqual([
      ...['85 %', '86 %', '87 %', '88 %', '89 %', '90 %'],
      ...['1', '2', 'best: epoch 2'],
    ]);
  });

  it('of a run are those of training and, where there is a part for it, of validation', () => {
    const history = [1, 2].map((epoch) => ({
      epoch,
      learningRate: 1,
      loss: epoch,
      accuracy: 1,
      validationLoss: 3 - epoch,
      validationAccuracy: 1,
    }));
    const svg = lossChart(history);
    expect(svg).toContain('>training<');
    expect(svg).toContain('>validation<');
    const [training = [], validation = []] = [pieces(svg, 'blue')[0], pieces(svg, 'vermilion')[0]];
    expect(training.map(([, y]) => y)).toEqual(validation.map(([, y]) => y).reverse());
    expect(lossChart(history.map((one) => ({ ...one, validationLoss: null })))).not.toContain('>validation<');
  });
});

describe('histograms', () => {
  it('count every value once, in bars or in the note', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(5000), { maxLength: 300 }),
        fc.option(fc.integer({ min: 1, max: 4000 }), { nil: undefined }),
        (lengths, upTo) => {
          const svg = histogram({ title: 't', xLabel: 'x', values: lengths, upTo });
          const number = (text: string | undefined) => Number((text ?? '0').replaceAll(',', ''));
          const bars = [...svg.matchAll(/height="([\d.]+)"[^>]*><title>([\d,.]+) to ([\d,.]+): ([\d,]+) texts/g)].map(
            ([, height, from, to, count]) => ({
              height: Number(height),
              from: number(from),
              to: number(to),
              count: number(count),
            }),
          );
          const tail = number(/([\d,]+) texts above/.exec(contentOf(svg, 'desc'))?.[1]);
          expect(bars.reduce((sum, { count }) => sum + count, tail)).toBe(lengths.length);
          const above = /texts above ([\d,]+) are not drawn, the largest at ([\d,]+)/.exec(contentOf(svg, 'desc'));
          if (above) {
            expect(lengths.filter((length) => length > number(above[1]))).toHaveLength(tail);
            expect(Math.max(...lengths)).toBe(number(above[2]));
          }
          const last = Math.max(...bars.map(({ to }) => to));
          for (const { from, to, count } of bars) {
            expect(
              lengths.filter((length) => length >= from && (length < to || (to === last && length === to))),
            ).toHaveLength(count);
          }
          for (const { from, to } of bars) expect(to).toBeGreaterThan(from);
          const perText = Math.max(...bars.map(({ height, count }) => height / count));
          for (const { height, count } of bars) expect(height).toBeCloseTo(perText * count, -0.5);
        },
      ),
    );
  });
});

describe('confusion matrices', () => {
  it('say of each pair of classes how many, and which share of the row', () => {
    const svg = confusionChart({
      title: 't',
      labels: ['a', 'b'],
      counts: [
        [3, 1],
        [0, 0],
      ],
    });
    const cells = [...svg.matchAll(/<g><title>([^<]*)<\/title>.*?fill-opacity="([\d.]+)"/g)].map(
      ([, words, opacity]) => [words, Number(opacity)],
    );
    expect(cells).toEqual([
      ['a taken for a: 3 (75.0 %)', 0.75],
      ['a taken for b: 1 (25.0 %)', 0.25],
      ['b taken for a: 0 (0.0 %)', 0],
      ['b taken for b: 0 (0.0 %)', 0],
    ]);
  });
});

describe('ROC', () => {
  const pairs = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.boolean()), { minLength: 2, maxLength: 60 })
    .filter((all) => new Set(all.map(([, positive]) => positive)).size === 2);

  it('has the area that counting all pairs gives, and that lies below its points', () => {
    fc.assert(
      fc.property(pairs, (all) => {
        const { points, area } = rocCurve(
          all.map(([score]) => score / 9),
          all.map(([, positive]) => positive),
        );
        let [right, count] = [0, 0];
        for (const [a, positive] of all)
          for (const [b, other] of all)
            if (positive && !other) {
              count++;
              right += a > b ? 1 : a === b ? 0.5 : 0;
            }
        expect(area).toBeCloseTo(right / count, 12);
        let below = 0;
        for (const [index, { falsePositives: x, truePositives: y }] of points.entries()) {
          const before = points[index - 1] ?? { falsePositives: 0, truePositives: 0 };
          expect(x >= before.falsePositives && y >= before.truePositives).toBe(true);
          below += ((x - before.falsePositives) * (y + before.truePositives)) / 2;
        }
        expect(below).toBeCloseTo(area, 12);
        expect(points[0]).toEqual({ falsePositives: 0, truePositives: 0 });
        expect(points.at(-1)).toEqual({ falsePositives: 1, truePositives: 1 });
        expect(points).toHaveLength(new Set(all.map(([score]) => score)).size + 1);
      }),
    );
  });

  it('is that of the example in the manual of scikit-learn', () => {
    expect(rocCurve([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]).area).toBe(0.75);
  });

  it('has no area where a class is missing', () => {
    expect(rocCurve([0.1, 0.2], [true, true]).area).toBeNaN();
    expect(rocCurve([], []).area).toBeNaN();
  });

  it('is drawn from corner to corner however many points there are', () => {
    const scores = Array.from({ length: 20_000 }, (_, index) => Math.sin(index));
    const curve = rocCurve(
      scores,
      scores.map((score, index) => score + Math.sin(7 * index) > 0),
    );
    const svg = rocChart({ title: 't', curves: [{ name: 'a', curve }] });
    const [points = []] = pieces(svg, 'blue');
    expect(points.length).toBeLessThan(3500);
    const field = /x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="([\d.]+)"[^>]*stroke-dasharray/
      .exec(svg)
      ?.slice(1)
      .map(Number);
    expect([...(points[0] ?? []), ...(points.at(-1) ?? [])]).toEqual(field);
  });
});

describe('marks', () => {
  it('have labels that touch neither each other nor the lines of others', () => {
    const mark = fc.record({
      x: fc.integer({ min: 0, max: 400 }),
      label: fc.constantFrom('a', 'best: epoch 7', 'median'),
    });
    fc.assert(
      fc.property(fc.uniqueArray(mark, { maxLength: 5, selector: ({ x }) => x }), (marks) => {
        const placed = placeMarks(marks, (x) => x, 10_000);
        const ends = placed.map(({ at, label }) => at + textWidth(label));
        for (const [index, one] of placed.entries()) {
          for (const [place, other] of placed.entries()) {
            const end = ends[index] ?? 0;
            if (place === index || other.at < one.at || other.at > end) continue;
            expect(one.row).toBeGreaterThan(other.row); // the other begins, and its line ends, below this label
          }
        }
        expect(placed).toHaveLength(marks.length);
      }),
    );
    expect(placeMarks([{ x: 95, label: 'best: epoch 95' }], (x) => x, 100)).toMatchObject([{ anchor: 'end', row: 0 }]);
  });
});

/** Relative luminance and contrast of WCAG 2.2. */
const linear = (hex: string) =>
  [1, 3, 5]
    .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
const luminance = ([r = 0, g = 0, b = 0]: readonly number[]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
const contrast = (a: number, b: number) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
const mixed = (hex: string, paper: string, share: number) => {
  const channels = [1, 3, 5].map((at) =>
    Math.round(
      share * Number.parseInt(hex.slice(at, at + 2), 16) + (1 - share) * Number.parseInt(paper.slice(at, at + 2), 16),
    ),
  );
  return `#${channels.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
};

describe.each(['light', 'dark'] as const)('the %s colours', (scheme) => {
  const of = (colour: Colour) => shadesOf(colour)[scheme];
  const against = (a: string, b: string) => contrast(luminance(linear(a)), luminance(linear(b)));

  it('stand out from the paper as WCAG asks of text and of graphics', () => {
    for (const colour of ['ink', 'muted'] as const) expect(against(of(colour), of('paper'))).toBeGreaterThan(4.5);
    for (const colour of seriesColours) expect(against(of(colour), of('paper'))).toBeGreaterThan(3);
  });

  it('leave the words of a cell readable, however strong it is', () => {
    // No two colours do better against every shade between them than the root of their own contrast, here 3.8 to 4.
    for (let share = 0; share <= 1; share += 0.01) {
      const words = share > paperFrom ? 'paper' : 'ink';
      expect(against(of(words), mixed(of('heat'), of('paper'), share))).toBeGreaterThan(3.6);
    }
  });
});
