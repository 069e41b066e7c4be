/**
 * The chapter's trained models through the float64 reference, the training engines and their exported files in onnxruntime,
 * on all 50,000 reviews. Each result goes to results/parity.json as soon as it is there, and none is computed twice for the
 * same file: the program may be stopped and called again. tables.mjs writes the table of docs/chapter.md from it.
 *
 *   npm run build && RECURRENT_IMDB=... node dist/cli/main.js chapter --engine wasm --threads 1
 *   RECURRENT_IMDB=... node benchmarks/chapter/parity.mjs [runs/chapter [model…]]
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadDataset } from 'recurrent-onnx/data';
import { createEncoder, loadCheckpoint, planModel } from 'recurrent-onnx/models';
import { runners, runParity } from 'recurrent-onnx/parity';

const [folder = 'runs/chapter', ...asked] = process.argv.slice(2);
const seed = 0;
const file = fileURLToPath(new URL('results/parity.json', import.meta.url));

/** @type {Record<string, { onnxSha256: string, seed: number, texts: number, [figure: string]: unknown }>} */
const found = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
const { examples, recipe } = await loadDataset('imdb');
/** @type {string[]} */
const models = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')).runs.map((run) => run.model);
const words = examples.flatMap((example) => example.words ?? []);

for (const name of new Set(models)) {
  if (asked.length && !asked.includes(name)) continue;
  const run = join(folder, 'runs', name, `seed-${seed}`);
  const onnx = readFileSync(join(run, 'model.onnx'));
  const onnxSha256 = createHash('sha256').update(onnx).digest('hex');
  if (found[name]?.onnxSha256 === onnxSha256) continue;
  const { model } = await loadCheckpoint(join(run, 'best.safetensors'));
  const encoder = createEncoder({ ...model, vocabularySize: planModel(model.spec).vocabularySize });
  if (!recipe || !encoder.agreesWith(recipe.lexicon)) throw new Error(`${run} is not of these reviews`);
  const report = await runParity({
    subject: { model, onnx },
    ...encoder.encodePlaces(words),
    runners: [runners.reference, runners.js, runners.wasm, runners.onnxruntime],
  });
  const { passed, examples: texts, flips, ties, sensitive, maxAbsError, maxLogitError, smallestMargin } = report;
  found[name] = {
    ...{ onnxSha256, seed, texts, passed, flips, ties, maxAbsError, maxLogitError, smallestMargin },
    sensitive: sensitive.map(({ row, ...rest }) => ({ row, id: examples[row]?.id, ...rest })),
    runners: report.runners,
    failing: report.pairs
      .filter((pair) => !pair.passed)
      .map(({ norm, other, overTolerance, notFinite, failingRows }) => {
        return { norm, other, overTolerance, notFinite, ids: failingRows.map((row) => examples[row]?.id) };
      }),
  };
  writeFileSync(file, `${JSON.stringify(found, undefined, 1)}\n`);
  console.log(`${name}: ${texts} texts, ${flips} flips, ${ties} ties, error ${maxAbsError}, margin ${smallestMargin}`);
}
