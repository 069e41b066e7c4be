import ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { createGraphBuilder } from '../../exporters/graph/builder.ts';
import { encodeOnnx } from '../../exporters/onnx/encode.ts';
import { errorOfStep, toleranceBetween, toleranceTable } from '../../src/parity/tolerances.ts';

/** Largest error of one of onnxruntime's activations over [−10, 10]. */
async function largestError(op: 'Sigmoid' | 'Tanh', exact: (x: number) => number): Promise<number> {
  const g = createGraphBuilder(17);
  g.output('y', g.node(op, [g.input('x', 'float32', ['n'])]), 'float32', ['n']);
  const session = await ort.InferenceSession.create(
    encodeOnnx({ ...g.build(op), opset: 17, producer: { name: 'test', version: '' }, metadata: [] }),
  );
  const x = Float32Array.from({ length: 200_001 }, (_, i) => -10 + i / 10_000);
  const { y } = await session.run({ x: new ort.Tensor('float32', x, [x.length]) });
  await session.release();
  const errors = Array.from((y as ort.Tensor).data as Float32Array, (value, i) =>
    Math.abs(value - exact(x[i] as number)),
  );
  return errors.reduce((a, b) => Math.max(a, b));
}

describe('the tolerance table', () => {
  it('allows for the errors that onnxruntime makes in sigmoid and tanh', async () => {
    const sigmoid = await largestError('Sigmoid', (x) => 1 / (1 + Math.exp(-x)));
    const tanh = await largestError('Tanh', Math.tanh);
    // i·g + f·c: i and f are off by `sigmoid`, g by `tanh`; |g| and |c| up to 1
    expect(2 * sigmoid + tanh).toBeLessThan(errorOfStep);
    // and for no more: rounding alone would give 3e-8, and the row would not be needed
    expect(2 * sigmoid + tanh).toBeGreaterThan(errorOfStep / 4);
  });

  it('grows with the steps only where activations are approximated', () => {
    expect(toleranceTable(1).approximatedActivations.logit).toBe(toleranceTable(1).float32.logit);
    expect(toleranceTable(200).approximatedActivations.logit).toBeCloseTo(1.2e-4, 10);
    expect(toleranceTable(200).float32).toEqual(toleranceTable(1).float32);
  });

  it('moves a probability by no more than the row says when a logit is off by what it says', () => {
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    for (const { probability, logit } of Object.values(toleranceTable(500))) {
      for (let x = -20; x <= 20; x += 0.01) {
        const moved = sigmoid(x + logit * Math.max(1, Math.abs(x))) - sigmoid(x);
        expect(moved).toBeLessThanOrEqual(1.001 * probability); // the sigmoid is not quite straight
      }
    }
  });

  it('holds a pair to the wider row', () => {
    expect(toleranceBetween('reference', 'js')).toBe('float32');
    expect(toleranceBetween('js', 'tensorflow')).toBe('float32');
    expect(toleranceBetween('reference', 'onnxruntime')).toBe('approximatedActivations');
    expect(toleranceBetween('wasm', 'js')).toBe('approximatedActivations');
  });
});
