import { defineConfig } from 'vitest/config';

/** Limits are for what hangs: a test is to end by what happens, on a machine of any speed. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    env: { ORT_DISABLE_TELEMETRY: '1' },
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
  },
});
