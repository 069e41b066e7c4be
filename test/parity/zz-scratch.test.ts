import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'vitest';
import { openTrainedModel } from '../../src/cli/open-model.ts';
import { runners } from '../../src/parity/runners.ts';
import { measureSensitivity } from '../../src/parity/sensitivity.ts';
import { exportOnnx } from '../../exporters/export.ts';
test('s', async () => {
  const model = await openTrainedModel('/tmp/spam-run');
  const b = readFileSync('/tmp/spam-ids.bin'); const all = new Int32Array(b.buffer, b.byteOffset, b.length / 4);
  const T = 200, N = all.length / T;
  const s = await measureSensitivity(model, all, N, T);
  const q = (a: number[]) => { const c = [...a].sort((x, y) => x - y); return [0.5, 0.9, 0.99, 0.999, 1].map((f) => c[Math.min(c.length - 1, Math.floor(f * c.length))]!.toExponential(1)).join(' '); };
  const lines = [`sens p ${q(s.map((x) => x.probability))}`, `sens l ${q(s.map((x) => x.logit))}`, `rows p>5e-6: ${s.filter((x) => x.probability > 5e-6).length}`];
  const subject = { model, onnx: exportOnnx(model) };
  const ref = await (await runners.reference.open(subject)).run(all, N, T);
  for (const r of [runners.js, runners.wasm, runners.onnxruntime]) {
    const session = await r.open(subject);
    const e: number[] = [];
    for (let f = 0; f < N; f += 128) { const n = Math.min(128, N - f); const o = await session.run(all.slice(f * T, (f + n) * T), n, T); for (let i = 0; i < n; i++) e.push(Math.abs((o.probabilities[i] as number) - (ref.probabilities[f + i] as number))); }
    lines.push(`${r.name} err p ${q(e)} over 5e-6: ${e.filter((x) => x > 5e-6).length}, over 1e-6: ${e.filter((x) => x > 1e-6).length}; ratio err/sens where err>1e-6 ${q(e.map((x, i) => x > 1e-6 ? x / s[i]!.probability : 0))}`);
  }
  const top = s.map((x, i) => [x.probability, i] as const).sort((a, b) => b[0] - a[0]).slice(0, 12);
  lines.push(top.map(([p, i]) => `${i}:${p.toExponential(1)}`).join(' '));
  writeFileSync('/tmp/scr/out.txt', lines.join('\n'));
}, 1800000);
