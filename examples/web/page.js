import { loadClassifier } from 'recurrent-onnx/web';

const [model, form, texts, button, time, table] = ['#model', 'form', '#texts', 'button', '#time', 'table'].map(
  (place) => document.querySelector(place),
);

/** @param {string[]} lines */
async function classify(lines) {
  const started = performance.now();
  const predictions = await classifier.predictBatch(lines);
  time.textContent = `${lines.length} texts in ${(performance.now() - started).toFixed(1)} ms`;
  table.tBodies[0].replaceChildren(...predictions.map((prediction, row) => rowOf(prediction, lines[row])));
  table.hidden = false;
}

function rowOf({ label, probability, words, knownWords }, text) {
  const row = document.createElement('tr');
  const meter = Object.assign(document.createElement('meter'), { value: probability, ariaLabel: 'probability' });
  row.insertCell().textContent = label;
  row.insertCell().append(meter, probability.toFixed(4));
  row.insertCell().textContent = `${knownWords} of ${words}`;
  row.insertCell().textContent = text;
  return row;
}

let classifier;
try {
  classifier = await loadClassifier('/model.onnx');
  model.textContent = `${classifier.spec.name}: ${classifier.labels.join(', ')}`;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    classify(texts.value.split('\n').filter((line) => line.trim() !== ''));
  });
  button.disabled = false;
} catch (error) {
  model.textContent = `${error.message}. ${error.hint ?? ''}`;
}
