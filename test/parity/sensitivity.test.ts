import ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { createGraphBuilder } from '../../exporters/graph/builder.ts';
import { encodeOnnx } from '../../exporters/onnx/encode.ts';
import { measureSensitivity, type Sensitivity, weightNudge } from '../../src/parity/sensitivity.ts';
import { watershed } from './watershed.ts';

describe('measureSensitivity', () => {
  test('finds what the weights leave open, row by row, and the same each time', async () => {
    const { model, ids, rows, time, sensitiveRow } = watershed;
    const measured = await measureSensitivity(model, ids, rows, time, 8);
    // h = 2^(time − 2) · k · (r·e₁ + e₂), which the values of k, r, e₁ and e₂ make 0. Nudges move it by at most
    // 2^(time − 2) · (2 + 2 + 2) · nudge, which one draw in four does; the others give a third of that.
    const worst = 2 ** (time - 2) * 6 * weightNudge;
    const sensitive = measured[sensitiveRow] as Sensitivity;
    expect(sensitive.logit / worst).toBeCloseTo(1, 3);
    expect(sensitive.probability).toBeCloseTo(sensitive.logit * 0.235, 5); // σ′(−0.5) = 0.235
    // The other rows: k · e₃ = 0.3, dense kernel 1, bias −0.5.
    const others = measured.filter((_, row) => row !== sensitiveRow);
    for (const { logit } of others) {
      expect(logit).toBeGreaterThan(0);
      expect(logit).toBeLessThan((3 * 0.3 + 0.5) * weightNudge * 1.001);
    }
    expect(await measureSensitivity(model, ids, rows, time, 8)).toEqual(measured);
    const alone = ids.slice(sensitiveRow * time, (sensitiveRow + 1) * time);
    expect(await measureSensitivity(model, alone, 1, time, 8)).toEqual([sensitive]);
  });
});

/** Largest error of one of onnxruntime's activations over [−10, 10]. */
async function largestError(op: 'Sigmoid' | 'Tanh', exact: (x: number) => number): Promise<number> {
  const g = createGraphBuilder(17);
  g.output('y', g.node(op, [g.input('x', 'float32', ['n'])]), 'float32', ['n']);
  const graph = { ...g.build(op), opset: 17, producer: { name: 'test', version: '0' }, metadata: [] };
  const session = await ort.InferenceSession.create(encodeOnnx(graph));
  const x = Float32Array.from({ length: 200_001 }, (_, i) => -10 + i / 10_000);
  const outputs = await session.run({ x: new ort.Tensor('float32', x, [x.length]) });
  await session.release();
  const { data } = outputs.y as ort.Tensor;
  const errors = (data as Float32Array).map((value, i) => Math.abs(value - exact(x[i] as number)));
  return errors.reduce((a, b) => Math.max(a, b));
}

test('the nudge covers the errors that onnxruntime makes in sigmoid and tanh, and not much more', async () => {
  const sigmoid = await largestError('Sigmoid', (x) => 1 / (1 + Math.exp(-x)));
  const tanh = await largestError('Tanh', Math.tanh);
  expect(Math.max(sigmoid, tanh)).toBeLessThan(weightNudge);
  expect(Math.max(sigmoid, tanh)).toBeGreaterThan(weightNudge / 4); // rounding alone would give 3e-8
});
