import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

/** Brings dist/ up to date, for tests of what users get; quick when it is. */
export function build(): void {
  execFileSync(process.execPath, ['tools/build.mjs'], { cwd: repository, stdio: ['ignore', 'inherit', 'inherit'] });
}
