import { describe, it } from 'vitest';

/** Adds `suite` where there is no `refusal`, else prints it: what was skipped is said plainly. */
export function describeGpu(what: string, refusal: string | undefined, suite: () => void): void {
  if (refusal === undefined) {
    console.log(`${what}: runs`);
    suite();
    return;
  }
  console.log(`${what}: SKIPPED, ${refusal}`);
  describe(what, () => it.skip(refusal));
}
