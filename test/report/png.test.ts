import { describe, expect, it } from 'vitest';
import { confusionChart } from '../../src/report/confusion-chart.ts';
import { loadPngRenderer, undrawableLetters } from '../../src/report/png.ts';

const svg = confusionChart({
  title: 'Confusions',
  labels: ['ham', 'spam'],
  counts: [
    [30, 2],
    [1, 20],
  ],
});
const render = await loadPngRenderer();

/** Width and height, as the header chunk says. */
function sizeOf(png: Uint8Array): number[] {
  const view = new DataView(png.buffer, png.byteOffset);
  expect([...png.subarray(0, 8)]).toEqual([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return [view.getUint32(16), view.getUint32(20)];
}

describe('a PNG', () => {
  it('has twice the pixels of the drawing, or as many as are asked for', () => {
    const [, width, height] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg) ?? [];
    for (const scale of [1, 2, 3]) {
      const [across = 0, down = 0] = sizeOf(render(svg, scale === 2 ? {} : { scale }));
      expect(Math.abs(across - scale * Number(width))).toBeLessThanOrEqual(1);
      expect(Math.abs(down - scale * Number(height))).toBeLessThanOrEqual(1);
    }
  });

  it('is the same every time', () => {
    expect(render(svg)).toEqual(render(svg));
  });

  it('shows its words, and in bold where they are: fonts that are not there would leave nothing', () => {
    const without = svg.replace(/>[^<]+<\/text>/g, '></text>');
    const thin = svg.replaceAll(' font-weight="bold"', '');
    const bare = render(without).length;
    // words make a picture of several times the bytes
    expect(render(svg).length).toBeGreaterThan(3 * bare);
    expect(Buffer.compare(render(svg), render(thin))).not.toBe(0);
    expect(render(svg.replace('Confusions</text>', 'Konfusion!</text>'))).not.toEqual(render(svg));
  });

  it('is that of the light theme', () => {
    const unstyled = svg.replace(/<style>.*<\/style>/, '');
    expect(unstyled).not.toBe(svg);
    expect(render(unstyled)).toEqual(render(svg));
  });
});

describe('the letters that the font has not got', () => {
  it.each([
    ['Ham & spam – naïve Ελλάς Привет 96.53 %', ''],
    ['긍정 and 긍 정', '긍정'],
    ['好い', '好い'],
  ])('of %s are %s', (words, missing) => expect(undrawableLetters(words)).toBe(missing));
});
