/**
 * From the start of a program to its first prediction: what importing `recurrent-onnx/runtime` takes, opening a model,
 * and the first text, beside onnxruntime-node alone with the same file. Each in new processes that take turns; the model is
 * shape B of predict-ids.mjs with a vocabulary of 10,000 words. About a minute.
 *
 *   node benchmarks/runtime/startup.mjs [--runs 20] [--out benchmarks/runtime/results/startup.json]
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { exportOnnx } from 'recurrent-onnx/export';
import { initialWeights, kerasTokenizer, parseSpec, planModel } from 'recurrent-onnx/models';
import { machine, spreadOf } from '../measure.mjs';

const { values: options } = parseArgs({
  options: { runs: { type: 'string', default: '20' }, out: { type: 'string' } },
});

const spec = parseSpec({
  version: 1,
  name: 'benchmark',
  layers: [
    { type: 'embedding', inputDim: 10_000, outputDim: 128 },
    { type: 'lstm', units: 128 },
    { type: 'dense', units: 1, activation: 'sigmoid' },
  ],
});
const file = exportOnnx({
  spec,
  weights: initialWeights(planModel(spec), 1),
  preprocessing: { tokenizer: kerasTokenizer, maxLength: 100, padding: 'pre', truncating: 'pre' },
  vocabulary: Array.from({ length: 9998 }, (_, index) => `w${index}`),
  labels: ['no', 'yes'],
});

/** Each prints milliseconds of its three steps and of processor time, and the probability as a check. */
const programs = {
  'recurrent-onnx/runtime': `
    const { loadClassifier } = await import('recurrent-onnx/runtime');
    const imported = performance.now();
    const classifier = await loadClassifier('model.onnx', { providers: 'cpu', threads: 1 });
    const opened = performance.now();
    const { scores: { yes: p } } = await classifier.predict('w1 w2 w3');`,
  'onnxruntime-node': `
    const { default: ort } = await import('onnxruntime-node');
    const imported = performance.now();
    const session = await ort.InferenceSession.create('model.onnx', { intraOpNumThreads: 1 });
    const opened = performance.now();
    const ids = Int32Array.from({ length: 100 }, (_, step) => (step < 97 ? 0 : step - 97 + 3));
    const { probabilities } = await session.run({ ids: new ort.Tensor('int32', ids, [1, 100]) });
    const [p] = probabilities.data;`,
};

const folder = mkdtempSync(join(tmpdir(), 'bench-startup-'));
try {
  // Inside the repository the package finds itself by its name.
  const root = fileURLToPath(new URL('../..', import.meta.url));
  writeFileSync(join(folder, 'model.onnx'), file);
  const run = (body) => {
    const program = `const began = performance.now(), used = process.cpuUsage();${body}
      const predicted = performance.now(), { user, system } = process.cpuUsage(used);
      console.log(JSON.stringify({ p, importMs: imported - began, openMs: opened - imported, predictMs: predicted - opened,
        totalMs: predicted - began, processorMs: (user + system) / 1000 }));
      process.exit();`;
    const args = [
      '--input-type=module',
      '-e',
      program.replaceAll("'model.onnx'", JSON.stringify(join(folder, 'model.onnx'))),
    ];
    const env = { ORT_DISABLE_TELEMETRY: '1', ...process.env }; // which the runtime sets, and a bare program does not
    return JSON.parse(execFileSync(process.execPath, args, { cwd: root, env, encoding: 'utf8' }));
  };

  const runs = Object.fromEntries(Object.keys(programs).map((name) => [name, []]));
  for (let round = -1; round < Number(options.runs); round++) {
    const answers = Object.entries(programs).map(([name, body]) => [name, run(body)]);
    const [first, second] = answers.map(([, { p }]) => p);
    if (!(Math.abs(first - second) < 1e-6)) throw new Error(`the programs differ: ${first} and ${second}`);
    if (round >= 0) for (const [name, answer] of answers) runs[name]?.push(answer);
  }

  const rows = [];
  for (const [contender, own] of Object.entries(runs)) {
    const row = { contender, runs: own.length };
    for (const step of ['importMs', 'openMs', 'predictMs', 'totalMs', 'processorMs']) {
      Object.assign(row, { [step]: spreadOf(own.map((each) => each[step])) });
    }
    rows.push(row);
  }
  console.log('| | import, ms | open a model | first prediction | all | processor time |');
  for (const { contender, runs: _, ...steps } of rows) {
    const cells = Object.values(steps).map(
      ({ median, p10, p90 }) => `${median.toFixed(1)} (${p10.toFixed(1)}–${p90.toFixed(1)})`,
    );
    console.log(`| \`${contender}\` | ${cells.join(' | ')} |`);
  }
  console.log(machine);
  if (options.out) mkdirSync(dirname(options.out), { recursive: true });
  if (options.out) writeFileSync(options.out, `${JSON.stringify({ machine, rows }, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
