/** The page at `/`: plain DOM, no library, nothing from elsewhere. Everything from outside goes in as text. */
const byId = (id) => document.getElementById(id);
const [form, field, lines, select, result, card] = ['form', 'text', 'lines', 'model', 'result', 'card'].map(byId);

function make(name, attributes = {}, ...children) {
  const node =
    name === 'svg' || svgNames.has(name) ? document.createElementNS(svgSpace, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
const svgSpace = 'http://www.w3.org/2000/svg';
const svgNames = new Set(['path', 'line', 'text', 'title']);

const percent = (share) => `${(share * 100).toFixed(1)} %`;

function table(caption, heads, rows) {
  const isNumber = (column) =>
    rows.every((row) => typeof row[column] === 'number' || /^[−+]?[\d.,]+( %)?$/.test(row[column]));
  const cell = (name, value, column, more) =>
    make(
      name,
      { ...more, ...(isNumber(column) && { class: 'number' }) },
      value instanceof Node ? value : String(value),
    );
  return make(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption },
    make(
      'table',
      {},
      make('caption', {}, caption),
      make('thead', {}, make('tr', {}, ...heads.map((head, column) => cell('th', head, column, { scope: 'col' })))),
      make(
        'tbody',
        {},
        ...rows.map((row) =>
          make(
            'tr',
            {},
            ...row.map((value, column) => cell(column ? 'td' : 'th', value, column, column ? {} : { scope: 'row' })),
          ),
        ),
      ),
    ),
  );
}

async function ask(path, body) {
  const key = byId('key').value;
  const response = await fetch(path, {
    method: body ? 'POST' : 'GET',
    headers: { ...(body && { 'content-type': 'application/json' }), ...(key && { authorization: `Bearer ${key}` }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const answer = await response.json();
  if (response.status === 401) byId('locked').hidden = false;
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

function showError({ message }) {
  result.replaceChildren(make('p', { class: 'error', role: 'alert' }, message));
}

function showOne(text, { predictions: [prediction], milliseconds }, roundTrip) {
  const { label, probability, scores, words, knownWords, contributions } = prediction;
  const rows = Object.entries(scores)
    .sort(([, a], [, b]) => b - a)
    .map(([name, score]) => [
      name,
      percent(score),
      make('meter', { value: score, 'aria-label': `${name}: ${percent(score)}` }),
    ]);
  result.replaceChildren(
    make('h2', { class: 'label' }, label, ' ', make('small', {}, percent(probability))),
    make(
      'p',
      { class: 'muted' },
      `${milliseconds.toFixed(1)} ms on the server, ${roundTrip.toFixed(0)} ms in all; ${knownWords} of ${words} words are known to the model.`,
    ),
    table('Probability of each label', ['label', 'probability', 'share'], rows),
    ...showWords(text, label, contributions),
  );
}

function showWords(text, label, contributions) {
  const largest = Math.max(...contributions.map(({ contribution }) => Math.abs(contribution)), 0);
  if (largest === 0) return [];
  const marked = make('p', { class: 'words' });
  let at = 0;
  for (const { start, end, contribution } of contributions) {
    const share = Math.round((Math.abs(contribution) / largest) * 100);
    const side = contribution > 0 ? 'for' : 'against';
    marked.append(text.slice(at, start));
    const word = text.slice(start, end);
    marked.append(share < 5 ? word : make('mark', { class: side, style: `--share: ${share}%` }, word));
    at = end;
  }
  marked.append(text.slice(at));
  const strongest = contributions.toSorted((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution)).slice(0, 10);
  return [
    make('h3', {}, 'Which words moved it'),
    marked,
    make(
      'p',
      { class: 'muted' },
      `Underlined words speak for ${label}, dotted ones against it: what its probability loses without them.`,
    ),
    table(
      'The strongest words',
      ['word', 'percentage points'],
      strongest.map(({ word, contribution }) => [
        word,
        `${contribution > 0 ? '+' : ''}${(contribution * 100).toFixed(2)}`.replace('-', '−'),
      ]),
    ),
  ];
}

function showSeveral(texts, { predictions, milliseconds }, roundTrip) {
  result.replaceChildren(
    make(
      'p',
      { class: 'muted' },
      `${texts.length} texts: ${milliseconds.toFixed(1)} ms on the server, ${roundTrip.toFixed(0)} ms in all.`,
    ),
    table(
      'Results',
      ['text', 'label', 'probability'],
      predictions.map(({ label, probability }, row) => [texts[row], label, percent(probability)]),
    ),
  );
}

async function classify() {
  const button = form.querySelector('button');
  const several = lines.checked;
  const texts = several ? field.value.split('\n').filter((line) => line.trim() !== '') : [field.value];
  if (texts.length === 0 || button.disabled) return; // Ctrl+Enter asks nobody whether the button is
  button.disabled = true;
  result.setAttribute('aria-busy', 'true');
  const started = performance.now();
  try {
    const answer = await ask('/v1/classify', { model: select.value, texts, explain: !several });
    const roundTrip = performance.now() - started;
    if (several) showSeveral(texts, answer, roundTrip);
    else showOne(texts[0], answer, roundTrip);
  } catch (error) {
    showError(error);
  } finally {
    button.disabled = false;
    result.removeAttribute('aria-busy');
  }
}

function chart(title, history, training, validation) {
  const [width, height, left, bottom] = [480, 220, 48, 24];
  const values = history.flatMap((epoch) => [epoch[training], epoch[validation]]).filter(Number.isFinite);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (index) => left + (index / Math.max(1, history.length - 1)) * (width - left - 12);
  const y = (value) => 12 + (1 - (value - low) / (high - low || 1)) * (height - bottom - 24);
  const curve = (name) =>
    history
      .map((epoch, index) => [index, epoch[name]])
      .filter(([, value]) => Number.isFinite(value))
      .map(([index, value], at) => `${at ? 'L' : 'M'}${x(index).toFixed(1)} ${y(value).toFixed(1)}`)
      .join('');
  return [
    make('h3', {}, `${title} (training dashed, validation solid)`),
    make(
      'svg',
      {
        viewBox: `0 0 ${width} ${height}`,
        role: 'img',
        'aria-label': `${title} by epoch, from ${history.length} epochs`,
      },
      make('line', { class: 'axis', x1: left, x2: width - 12, y1: height - bottom, y2: height - bottom }),
      make('text', { x: 0, y: y(high) + 4 }, high.toFixed(3)),
      make('text', { x: 0, y: y(low) + 4 }, low.toFixed(3)),
      make('text', { x: left, y: height - 6 }, 'epoch 1'),
      make('text', { x: width - 12, y: height - 6, 'text-anchor': 'end' }, String(history.length)),
      make('path', { class: 'training', d: curve(training) }),
      make('path', { d: curve(validation) }),
    ),
  ];
}

function showCard({ name, version, labels, layers, parameters, spec, facts, history, parity }) {
  const figures = parity && [
    ['rows compared', parity.examples],
    ['labels that differ', parity.flips],
    ['largest error of a probability', parity.maxAbsError.toExponential(1)],
    ['largest error of a logit', parity.maxLogitError.toExponential(1)],
    ['passed', parity.passed ? 'yes' : 'no'],
  ];
  card.replaceChildren(
    make('h2', { id: 'card-title' }, `Model ${name}, version ${version}`),
    table(
      `${layers.length} layers, ${parameters.toLocaleString('en-US')} parameters`,
      ['layer', 'output shape', 'parameters'],
      layers.map(({ layer, shape, parameters: own }) => [layer, shape, own.toLocaleString('en-US')]),
    ),
    make(
      'details',
      {},
      make('summary', {}, 'Spec: every layer with its options'),
      make('pre', { tabindex: '0' }, JSON.stringify(spec, null, 2)),
    ),
    make('h3', {}, 'Facts'),
    table('What the file says', ['fact', 'value'], [['labels', labels.join(', ')], ...Object.entries(facts)]),
    ...(history.length > 0 ? chart('Loss', history, 'loss', 'validationLoss') : []),
    ...(history.length > 0 ? chart('Accuracy', history, 'accuracy', 'validationAccuracy') : []),
    ...(figures
      ? [make('h3', {}, 'Parity'), table('How far the runtimes are apart', ['figure', 'value'], figures)]
      : []),
  );
  card.hidden = false;
}

async function loadCard() {
  const name = select.value;
  const told = await ask(`/v1/models/${name}`);
  if (name === select.value) showCard(told); // another may have been chosen meanwhile
}

async function begin() {
  try {
    const { models } = await ask('/v1/models');
    select.replaceChildren(...models.map(({ name }) => make('option', { value: name }, name)));
    byId('choose').hidden = models.length < 2;
    byId('about').textContent = models
      .map(({ name, versions }) => `${name} (version ${versions.join(', ')})`)
      .join(', ');
    await loadCard();
    result.replaceChildren();
  } catch (error) {
    byId('about').textContent = '';
    showError(error);
  }
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void classify();
});
field.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
select.addEventListener('change', () => void loadCard().catch(showError));
byId('key').addEventListener('change', () => void begin());
void begin();
