/** Elements of a drawing, as text. */
type Attributes = Readonly<Record<string, string | number>>;

export function element(name: string, attributes: Attributes, content: readonly string[] = []): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(rounded(value))}"`);
  return `<${name}${written.join('')}>${content.join('')}</${name}>`;
}

export function text(x: number, y: number, words: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, [escaped(words)]);
}

/** A whole file, on white so that it can be read on any page. */
export function drawing(width: number, height: number, title: string, content: readonly string[]): string {
  return `${element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      'font-family': 'system-ui, sans-serif',
      'font-size': 12,
    },
    [
      element('title', {}, [escaped(title)]),
      element('rect', { width, height, fill: '#fff' }),
      ...content.map((line) => `\n${line}`),
    ],
  )}\n`;
}

/** Of each contender the same in every chart; told apart by people who see fewer colours too (Okabe and Ito). */
export const colours = {
  wasm: '#0072b2',
  onnxruntime: '#009e73',
  js: '#56b4e9',
  'tfjs-cpu': '#999999',
  'tfjs-node': '#666666',
  pytorch: '#d55e00',
  keras: '#e69f00',
} as const;

function rounded(value: string | number): string {
  return typeof value === 'number' ? String(Number(value.toFixed(2))) : value;
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
