/** The report: one HTML file that needs nothing beside it. Its policy forbids it to fetch or to run anything. */
import type { ChapterResults } from './chapter.ts';
import { escaped, type Html, html } from './html.ts';
import { byModel } from './outcome.ts';
import { dataSection } from './sections/data.ts';
import { modelSection } from './sections/model.ts';
import { cards, comparison } from './sections/overview.ts';
import { paritySection, testSection } from './sections/proof.ts';
import { timingSection } from './sections/timings.ts';
import { style } from './style.ts';

interface Section {
  readonly id: string;
  readonly title: string;
  readonly content: (results: ChapterResults) => Html;
}

const sections: readonly Section[] = [
  { id: 'results', title: 'Results beside the authors’', content: comparison },
  { id: 'data', title: 'The reviews', content: dataSection },
  { id: 'models', title: 'The models', content: ({ runs }) => html`${byModel(runs).map(modelSection)}` },
  { id: 'test', title: 'On the test part', content: testSection },
  { id: 'parity', title: 'The same numbers everywhere', content: paritySection },
  { id: 'time', title: 'Time and memory', content: timingSection },
  { id: 'files', title: 'Files', content: fileSection },
];

/** @returns a whole page */
export function writeReport(results: ChapterResults): string {
  const { made, version, host, seeds } = results;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="color-scheme" content="light dark">
<title>Recurrent networks on 50,000 film reviews</title>
<style>${escaped(style)}</style>
</head>
<body>
<header>
<h1>Recurrent networks on film reviews</h1>
<p class="lead">The models of the chapter, trained, tested, exported to ONNX and proved equal between runtimes.</p>
<p class="muted">recurrent-onnx ${version} · ${made.slice(0, 16).replace('T', ' ')} UTC · ${host.cpu}, ${host.cores} cores, Node ${host.node} · seed${seeds.length > 1 ? 's' : ''} ${seeds.join(', ')}</p>
${cards(results)}
<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
</header>
<main>
${sections.map(
  ({ id, title, content }) => html`
<section aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
${content(results)}
</section>`,
)}
</main>
<footer><p>Made by <code>recurrent chapter</code>, from <code>results.json</code> beside this file.</p></footer>
</body>
</html>
`.markup;
}

function fileSection(): Html {
  return html`
<p>Beside this file: <code>results.json</code> (everything above as numbers), <code>models.csv</code>, <code>runs.csv</code>, <code>epochs.csv</code>, <code>parity.csv</code> and <code>lengths.csv</code>. Each run has a folder <code>runs/&lt;model&gt;/seed-&lt;n&gt;</code> with its best checkpoint, its history, the chart of its losses and the exported model:</p>
<pre tabindex="0">recurrent predict runs/lstm/seed-0/model.onnx "A film that I will not forget."
recurrent inspect runs/lstm/seed-0/model.onnx</pre>`;
}
