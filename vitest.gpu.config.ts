import { defineConfig } from 'vitest/config';

/** What needs a GPU, one file after another: `npm run test:gpu`. Each file says why it does not run, where it does not. */
export default defineConfig({
  test: {
    include: ['test/gpu/**/*.gpu.ts'],
    env: { ORT_DISABLE_TELEMETRY: '1' },
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 600_000,
    disableConsoleIntercept: true,
  },
});
