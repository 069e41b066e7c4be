/** A million texts through `recurrent predict --out`: at constant memory, and interrupted again and again to the same bytes. */
import { createWriteStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import { cli, cliJson, outcomeOf, startCli, useCli } from '../cli/run-cli.ts';
import { modelOf } from '../support/trained-model.ts';

const place = useCli();
const at = (name: string) => join(place.folder, name);
const sizes = { 'small.txt': 100_000, 'large.txt': 1_000_000 } as const;

/** 1 to 33 words, a quarter of them unknown. */
const text = (row: number) =>
  Array.from({ length: 1 + ((row * 7919) % 33) }, (_, word) => `w${(row * 31 + word * 17) % 40}`).join(' ');

beforeAll(async () => {
  const model = modelOf([
    { type: 'embedding', inputDim: 30, outputDim: 8, maskZero: true },
    { type: 'simpleRnn', units: 8 }, // whose numbers depend on their batch
    { type: 'dense', units: 2, activation: 'softmax' },
  ]);
  await writeFile(at('model.onnx'), exportOnnx({ ...model, preprocessing: { ...model.preprocessing, maxLength: 20 } }));
  for (const [name, rows] of Object.entries(sizes)) {
    const file = createWriteStream(at(name));
    for (let row = 0; row < rows; row++) {
      if (!file.write(`${text(row)}\n`)) await new Promise<void>((go) => file.once('drain', go));
    }
    await new Promise<void>((done) => file.end(() => done()));
  }
}, 60_000);

const run = (input: string, out: string, ...more: string[]) => [
  ...['predict', at('model.onnx'), '--provider', 'cpu', '--threads', '1', '--file', at(input), '--out', at(out)],
  ...more,
];

/** Largest resident set of a run, in MiB, as the system counts it. */
async function peakOf(input: string, out: string): Promise<number> {
  const report = "process.on('exit', () => process.stderr.write('PEAK ' + process.resourceUsage().maxRSS))";
  const env = { NODE_OPTIONS: `--max-old-space-size=64 --import "data:text/javascript,${encodeURIComponent(report)}"` };
  const { status, stderr } = await cli(run(input, out), { env });
  expect(status).toBe(0);
  return Number(/PEAK (\d+)/.exec(stderr)?.[1]) / 1024;
}

test('ten times the texts take the same memory, and come out in order', { timeout: 300_000 }, async () => {
  const [small, large] = [await peakOf('small.txt', 'small.csv'), await peakOf('large.txt', 'large.csv')];
  const growth = (statSync(at('large.txt')).size - statSync(at('small.txt')).size) / 2 ** 20;
  console.log(`largest resident set: ${small.toFixed(0)} MiB for 100,000 texts, ${large.toFixed(0)} MiB for 1,000,000`);
  expect(growth).toBeGreaterThan(50);
  expect(large - small).toBeLessThan(growth / 2); // what the garbage collector lets lie
  let rows = 0;
  for (const line of readFileSync(at('large.csv'), 'utf8').trimEnd().split('\n').slice(1)) {
    if (!line.endsWith(`,${text(rows++)}`)) expect.fail(`row ${rows}: ${line}`);
  }
  expect(rows).toBe(sizes['large.txt']);
});

test('a packed file that is ended by SIGTERM and killed comes to the same bytes', { timeout: 300_000 }, async () => {
  await cliJson(run('large.txt', 'whole.csv.gz'));
  const statuses: (number | null)[] = [];
  let classified: unknown;
  for (const signal of ['SIGTERM', 'SIGKILL', 'SIGKILL', 'SIGTERM', undefined] as const) {
    const args = run('large.txt', 'out.csv.gz', '--json', ...(statuses.length > 0 ? ['--resume'] : []));
    const progress = () =>
      existsSync(at('out.csv.gz.progress')) ? readFileSync(at('out.csv.gz.progress'), 'utf8') : '';
    const before = progress();
    const child = startCli(args);
    child.stdin.end();
    const outcome = outcomeOf(child);
    if (signal !== undefined) {
      while (progress() === before) await delay(5);
      child.kill(signal);
    }
    const { status, stdout } = await outcome;
    statuses.push(status);
    if (signal === undefined) classified = JSON.parse(stdout).classified;
  }
  expect(statuses).toEqual([130, null, null, 130, 0]);
  expect(classified).toBeLessThan(sizes['large.txt']);
  expect(readFileSync(at('out.csv.gz')).equals(readFileSync(at('whole.csv.gz')))).toBe(true);
  expect(readdirSync(place.folder).filter((name) => name.startsWith('out.csv.gz.'))).toEqual([]);
});
