/** Python as a peer of the tests: the interpreter that RECURRENT_PYTHON names, else `python3`, where it has the package. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { TestContext } from 'vitest';

const interpreter = process.env.RECURRENT_PYTHON || 'python3';

/** What a program prints on standard output. */
export async function runPython(...program: readonly string[]): Promise<string> {
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' };
  return (await promisify(execFile)(interpreter, program, { env })).stdout;
}

/** Skips the test, saying so, unless Python has the package. */
export async function needPython(context: TestContext, name: string): Promise<void> {
  const missing = await runPython('-c', `import ${name}`).then(
    () => false,
    () => true,
  );
  if (!missing) return;
  const reason = `${interpreter} with the package ${name} is not here; RECURRENT_PYTHON names another`;
  console.log(`skipped: ${reason}`);
  context.skip(reason);
}
