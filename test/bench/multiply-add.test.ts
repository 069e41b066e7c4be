import { expect, it } from 'vitest';
import { multiplyAddModule } from '../../src/bench/multiply-add.ts';

declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean;
  instantiate(bytes: Uint8Array): Promise<{ readonly instance: { readonly exports: unknown } }>;
};

it.each(['plain', 'relaxed'] as const)('the %s loop computes what it counts', async (build) => {
  const bytes = multiplyAddModule(build);
  if (!WebAssembly.validate(bytes)) {
    expect(build, 'this Node has no relaxed SIMD; plain it must have').toBe('relaxed');
    return;
  }
  const { instance } = await WebAssembly.instantiate(bytes);
  const { run } = instance.exports as { readonly run: (rounds: number) => number };
  // Each of ten chains: x ← 0.999 x + 0.999, eight times a round, from 0; in closed form 999 (1 − 0.999ⁿ).
  for (const rounds of [1, 10, 5_000]) {
    const expected = 10 * 999 * (1 - 0.999 ** (8 * rounds));
    expect(run(rounds) / expected).toBeCloseTo(1, 3);
  }
});
