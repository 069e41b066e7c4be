/**
 * PNG from SVG by resvg, in WebAssembly and with fonts of a package: the same picture on every machine, whatever
 * fonts that has. Both are optional peers.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fail } from '../core/errors.ts';

const packages = ['@resvg/resvg-wasm', 'dejavu-fonts-ttf'] as const;

/** How a picture is drawn. */
export interface PngOptions {
  /** Pixels of the picture for one of the drawing. Default: 2. */
  readonly scale?: number | undefined;
}

/** Draws pictures of charts, until the program ends. */
export type PngRenderer = (svg: string, options?: PngOptions) => Uint8Array;

let loading: Promise<PngRenderer> | undefined;

/** Loads what draws an SVG chart as a PNG picture. @throws PACKAGE_MISSING where one of the two packages is not installed */
export function loadPngRenderer(): Promise<PngRenderer> {
  loading ??= load();
  return loading;
}

/** Letters that the font of the pictures has not got: it knows alphabets, but neither Han, Hangul nor Kana. */
export function undrawableLetters(words: string): string {
  return [
    ...new Set(
      words.match(/[^\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Common}\p{Script=Inherited}]/gu),
    ),
  ].join('');
}

async function load(): Promise<PngRenderer> {
  if (Reflect.get(globalThis, 'WebAssembly') === undefined) {
    const hint = 'Start Node without --jitless, or take the SVG files.';
    fail('PACKAGE_MISSING', 'PNG files are drawn by WebAssembly, and there is none here', hint);
  }
  const require = createRequire(import.meta.url);
  const [wasm, regular, bold] = [
    '@resvg/resvg-wasm/index_bg.wasm',
    'dejavu-fonts-ttf/ttf/DejaVuSans.ttf',
    'dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf',
  ].map((file) => resolve(require, file)) as [string, string, string];
  const { initWasm, Resvg } = await import('@resvg/resvg-wasm');
  const fontBuffers = await Promise.all([readFile(regular), readFile(bold)]);
  await initWasm(await readFile(wasm));
  const font = { fontBuffers, defaultFontFamily: 'DejaVu Sans', sansSerifFamily: 'DejaVu Sans' };
  return (svg, { scale = 2 } = {}) => {
    const drawing = new Resvg(svg, { font, fitTo: { mode: 'zoom', value: scale } });
    const picture = drawing.render();
    try {
      return picture.asPng();
    } finally {
      picture.free();
      drawing.free();
    }
  };
}

function resolve(require: NodeJS.Require, file: string): string {
  try {
    return require.resolve(file);
  } catch (error) {
    return fail(
      'PACKAGE_MISSING',
      `PNG files are drawn by ${packages.join(' with the fonts of ')}, which are not both installed`,
      `Run: npm install ${packages.join(' ')} (about 14 MB), or take the SVG files.`,
      error,
    );
  }
}
