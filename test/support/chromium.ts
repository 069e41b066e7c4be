import { existsSync } from 'node:fs';

const places = [
  process.env.RECURRENT_CHROMIUM,
  ...['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'].map((name) => `/usr/bin/${name}`),
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** A browser of this machine, if there is one. */
export const chromiumPath = places.find((place) => place && existsSync(place));
export const whyNoChromium = 'there is no Chromium under its usual names; RECURRENT_CHROMIUM may name one';

/** How long a page may take to show something, in milliseconds: enough where the browser shares one slow core. */
export const patience = 120_000;
