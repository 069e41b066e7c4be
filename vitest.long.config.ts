import { defineConfig } from 'vitest/config';

/** Suites of minutes to hours, one after another: `npm run test:long`. */
export default defineConfig({
  test: {
    include: ['test/long/**/*.long.ts'],
    env: { ORT_DISABLE_TELEMETRY: '1' },
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
