/**
 * The colours of every chart, in light and in dark. The light ones stand in the attributes, so that each renderer and
 * a page that forbids inline styles shows them; where CSS knows `light-dark()`, a chart follows the colour scheme:
 * of the system when it is a file of its own, of the page when it is part of one.
 */

interface Shades {
  readonly light: string;
  readonly dark: string;
}

/** After Okabe and Ito, told apart by people who see fewer colours; each has a contrast of 3:1 and more to the paper. */
const colours = {
  paper: { light: '#ffffff', dark: '#16181d' },
  ink: { light: '#1f2328', dark: '#e6e9ee' },
  muted: { light: '#59636e', dark: '#9aa4b0' },
  grid: { light: '#dfe3e8', dark: '#343a43' },
  blue: { light: '#0072b2', dark: '#56b4e9' },
  vermilion: { light: '#d55e00', dark: '#f0803c' },
  green: { light: '#00875f', dark: '#2bc79a' },
  purple: { light: '#a9508a', dark: '#dd96c0' },
  amber: { light: '#a87400', dark: '#e6b035' },
  brown: { light: '#8c4b2f', dark: '#c9906f' },
  grey: { light: '#767676', dark: '#a8a8a8' },
  /** Of a cell at its strongest; laid thinner it goes over to paper. */
  heat: { light: '#004f7c', dark: '#77a4bf' },
} as const satisfies Record<string, Shades>;

export type Colour = keyof typeof colours;

/** Of the series of a chart, in this order. */
export const seriesColours = ['blue', 'vermilion', 'green', 'purple', 'amber', 'grey'] as const satisfies Colour[];

export function shadesOf(colour: Colour): Shades {
  return colours[colour];
}

export function filled(colour: Colour) {
  return { class: `fill-${colour}`, fill: colours[colour].light };
}

export function stroked(colour: Colour) {
  return { class: `stroke-${colour}`, stroke: colours[colour].light, fill: 'none' };
}

/** How a curve is drawn, by its place in the palette. Past its end colours come again, dashed. */
export function curveStyle(place: number, dashed = place >= seriesColours.length) {
  const colour = seriesColours[place % seriesColours.length] ?? 'grey';
  return {
    stroke: { ...stroked(colour), 'stroke-width': 2, ...(dashed && { 'stroke-dasharray': '5 3' }) },
    fill: filled(colour),
  };
}

/** The class of a chart's `<svg>`: the rules reach nothing else on a page. */
export const chartClass = 'recurrent-chart';

export const styleSheet = [
  `.${chartClass}:root{color-scheme:light dark}`,
  '@supports (color:light-dark(red,red)){',
  ...Object.entries(colours).flatMap(([name, { light, dark }]) =>
    (['fill', 'stroke'] as const).map(
      (property) => `.${chartClass} .${property}-${name}{${property}:light-dark(${light},${dark})}`,
    ),
  ),
  '}',
].join('');
