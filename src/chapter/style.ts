/** The looks of the report: the colours of its charts, one column, tables that scroll by themselves on a narrow page. */
export const style = `
:root { color-scheme: light dark; --paper: light-dark(#ffffff, #16181d); --ink: light-dark(#1f2328, #e6e9ee);
  --muted: light-dark(#59636e, #9aa4b0); --line: light-dark(#dfe3e8, #343a43); --tint: light-dark(#f6f8fa, #1d2026);
  --accent: light-dark(#0067a3, #6cc0ee); --good: light-dark(#00704e, #2bc79a); --bad: light-dark(#b3401a, #f0803c); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
header, main, footer { max-width: 70rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.5rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .5rem; letter-spacing: -.01em; }
h2 { font-size: 1.35rem; margin: 3rem 0 .5rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.75rem 0 .4rem; }
p { max-width: 46rem; margin: .5rem 0; }
.lead { font-size: 1.1rem; }
.muted, figcaption, footer { color: var(--muted); }
a { color: var(--accent); }
nav ul { list-style: none; padding: 0; margin: 1rem 0; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .75rem; margin: 1.5rem 0; padding: 0; }
.cards div { background: var(--tint); border: 1px solid var(--line); border-radius: .5rem; padding: .7rem .9rem; }
.cards dt { color: var(--muted); font-size: .85rem; }
.cards dd { margin: 0; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.cards small { display: block; font-size: .8rem; font-weight: 400; color: var(--muted); }
.scroll { overflow-x: auto; margin: 1rem 0; }
.scroll:focus-visible, figure:focus-visible, pre:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--muted); padding-bottom: .4rem; caption-side: top; }
table { min-width: min(100%, 32rem); }
th, td { padding: .3rem .7rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
thead th { vertical-align: bottom; font-weight: 600; border-bottom-width: 2px; white-space: normal; }
th:first-child, td.text, th.text { text-align: left; }
tbody th { font-weight: 500; }
tbody tr:hover { background: var(--tint); }
td.text { white-space: normal; min-width: 10rem; }
.theirs { color: var(--muted); }
td small { display: block; }
tbody th, td { vertical-align: top; }
.good { color: var(--good); font-weight: 600; } .bad { color: var(--bad); font-weight: 600; }
figure { margin: 1rem 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: .5rem 1.5rem; align-items: start; }
.charts > figure { margin: .5rem 0; }
svg.recurrent-chart { max-width: 100%; height: auto; display: block; }
.recurrent-chart .paper { display: none; }
code, pre { font: .85rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { background: var(--tint); border: 1px solid var(--line); border-radius: .5rem; padding: .7rem .9rem; overflow-x: auto; }
pre.ids { white-space: pre-wrap; }
blockquote { margin: .5rem 0; padding-left: 1rem; border-left: 3px solid var(--line); max-width: 46rem; }
details { margin: 1rem 0; } summary { cursor: pointer; color: var(--accent); }
footer { padding-block: 2rem 3rem; font-size: .9rem; }
@media (max-width: 40rem) { figure { overflow-x: auto; } svg.recurrent-chart { max-width: 34rem; }
  body { font-size: 15px; } h1 { font-size: 1.5rem; } th, td { padding: .3rem .5rem; } }
@media print { .scroll { overflow: visible; } details { display: block; } }
`;
