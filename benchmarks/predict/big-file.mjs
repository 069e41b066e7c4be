/**
 * A file of 1,000,000 short texts through `recurrent predict`, and through onnxruntime for Python with the same tokenizer:
 * rows per second and the largest resident set. Answers are compared before anything is timed. The texts are sentences
 * of real mails and, where they are at hand (RECURRENT_IMDB), of the IMDB reviews, again and again up to the number.
 *
 *   node benchmarks/predict/big-file.mjs [--texts 1000000] [--peer-texts 200000] [--model model.onnx]
 *
 * The peer runs where ONNX_PYTHON names a Python with onnxruntime and NumPy. Each contender runs once over the whole;
 * whoever wants a spread runs it again.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadDataset } from 'recurrent-onnx/data';

const { values: options } = parseArgs({
  options: {
    texts: { type: 'string', default: '1000000' },
    'peer-texts': { type: 'string', default: '200000' },
    /** Default: spam-lstm, trained for an epoch. */
    model: { type: 'string' },
  },
});
const count = Number(options.texts);
const peerCount = Number(options['peer-texts']);

const root = fileURLToPath(new URL('../..', import.meta.url));
const main = join(root, 'dist/cli/main.js');
const folder = mkdtempSync(join(tmpdir(), 'big-file-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
/** @param {string} name */
const at = (name) => join(folder, name);
const load = loadavg()[0];

/** @param {string} source */
async function sentencesOf(source) {
  const { examples } = await loadDataset(source);
  return examples
    .flatMap(({ text }) => text.split(/(?<=[.!?])\s+|<br \/><br \/>|\n\s*\n/))
    .map((sentence) => sentence.replace(/\s+/g, ' ').trim())
    .filter((sentence) => /^[^\0]{1,999}$/.test(sentence));
}

async function writeTexts() {
  const sentences = await sentencesOf('spam');
  if (process.env.RECURRENT_IMDB) for (const sentence of await sentencesOf('imdb')) sentences.push(sentence);
  else console.error('RECURRENT_IMDB is not set: the texts are sentences of mails only');
  for (const [name, rows] of [
    ['texts.txt', count],
    ['some.txt', peerCount],
    ['few.txt', 20_000],
  ]) {
    const file = createWriteStream(at(name));
    for (let row = 0; row < rows; row++) {
      if (!file.write(`${sentences[row % sentences.length]}\n`)) await new Promise((go) => file.once('drain', go));
    }
    await new Promise((done) => file.end(() => done(undefined)));
  }
  const words = sentences.reduce((sum, sentence) => sum + sentence.split(' ').length, 0);
  return { sentences: sentences.length, wordsPerText: Number((words / sentences.length).toFixed(1)) };
}

const report = `process.on('exit', () => process.stderr.write('PEAK ' + process.resourceUsage().maxRSS))`;

/** @param {string} input @param {string} out @param {string[]} more */
function ours(input, out, ...more) {
  const args = ['--import', `data:text/javascript,${encodeURIComponent(report)}`, main, 'predict', at('model.onnx')];
  args.push('--provider', 'cpu', '--file', at(input), '--out', at(out), '--json', '--quiet', ...more);
  const began = performance.now();
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  const { texts } = JSON.parse(stdout);
  const seconds = (performance.now() - began) / 1000;
  return { rows: texts, seconds, peakBytes: Number(/PEAK (\d+)/.exec(stderr)?.[1]) * 1024 };
}

/** @param {string} input @param {string} out @param {string[]} more */
function peer(input, out, ...more) {
  const script = fileURLToPath(new URL('peer.py', import.meta.url));
  const began = performance.now();
  const stdout = execFileSync(python, [script, at('model.onnx'), at(input), at(out), ...more], { encoding: 'utf8' });
  const { rows, peakBytes, version } = JSON.parse(stdout);
  return { rows, seconds: (performance.now() - began) / 1000, peakBytes, version };
}

/** Labels that differ, and the largest |Δ| of a probability. @param {string} a @param {string} b */
function difference(a, b) {
  const [one, two] = [a, b].map((name) =>
    readFileSync(at(name), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  );
  if (one.length !== two.length) throw new Error(`${one.length} rows and ${two.length}`);
  let largest = 0;
  let flips = 0;
  one.forEach((row, index) => {
    const other = two[index];
    if (row.text !== other.text || row.words !== other.words) throw new Error(`row ${index} is another text`);
    largest = Math.max(
      largest,
      ...Object.keys(row.scores).map((label) => Math.abs(row.scores[label] - other.scores[label])),
    );
    flips += Number(row.label !== other.label);
  });
  return { rows: one.length, flips, largest };
}

const python = process.env.ONNX_PYTHON ?? '';
const texts = await writeTexts();
if (options.model) copyFileSync(options.model, at('model.onnx'));
else {
  const train = ['train', 'spam-lstm', '--data', 'spam', '--epochs', '1', '--out', at('run'), '--quiet'];
  execFileSync(process.execPath, [main, ...train], { stdio: 'ignore' });
  execFileSync(process.execPath, [main, 'export', at('run'), '--out', at('model.onnx'), '--quiet'], {
    stdio: 'ignore',
  });
}

const rows = [];
/** @param {string} contender @param {{ rows: number, seconds: number, peakBytes: number }} measured */
function note(contender, { rows: done, seconds, peakBytes }) {
  const row = {
    contender,
    rows: done,
    seconds,
    rowsPerSecond: Math.round(done / seconds),
    peakMiB: Math.round(peakBytes / 2 ** 20),
  };
  rows.push(row);
  console.error(JSON.stringify(row));
}

let agreement;
let version;
if (python) {
  ours('few.txt', 'few-ours.jsonl');
  ({ version } = peer('few.txt', 'few-plain.jsonl'));
  peer('few.txt', 'few-buckets.jsonl', '--buckets');
  agreement = {
    plain: difference('few-ours.jsonl', 'few-plain.jsonl'),
    buckets: difference('few-ours.jsonl', 'few-buckets.jsonl'),
  };
  console.error(JSON.stringify(agreement));
  for (const { flips, largest } of Object.values(agreement))
    if (flips || !(largest <= 1e-5)) throw new Error('answers differ');
} else console.error('ONNX_PYTHON is not set: no peer');

note(`recurrent predict, ${peerCount} texts`, ours('some.txt', 'some.jsonl'));
note('recurrent predict', ours('texts.txt', 'ours.jsonl'));
note('recurrent predict, 1 thread', ours('texts.txt', 'ours.jsonl', '--threads', '1'));
note('recurrent predict, gzip out', ours('texts.txt', 'ours.jsonl.gz'));
if (python) {
  note('onnxruntime for Python, length buckets', peer('texts.txt', 'peer.jsonl', '--buckets'));
  note(`onnxruntime for Python, batches of 64 in order, ${peerCount} texts`, peer('some.txt', 'peer.jsonl'));
}

const machine = {
  cpu: cpus()[0]?.model.trim(),
  cores: cpus().length,
  memoryBytes: totalmem(),
  load: Number(load?.toFixed(2)),
  node: process.versions.node,
  ...(version && { 'onnxruntime for Python': version }),
};
const result = {
  machine,
  model: options.model ?? 'spam-lstm',
  texts: { ...texts, rows: count, bytes: readFileSync(at('texts.txt')).length },
  agreement,
  rows,
};
writeFileSync(new URL('results/big-file.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
