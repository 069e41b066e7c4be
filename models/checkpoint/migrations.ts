/** Older checkpoints are brought up to date step by step; newer ones are refused. */
import { fail } from '../../src/core/errors.ts';

/** The format that is written. Raise it with each change that older readers would misread, and add a step below. */
export const version = 1;

/** Entry k turns the contents of format k into those of format k + 1. */
const steps: Readonly<Record<number, (contents: Record<string, unknown>) => Record<string, unknown>>> = {};

/** @throws CHECKPOINT_INVALID */
export function migrate(contents: unknown, path: string): unknown {
  if (typeof contents !== 'object' || contents === null || Array.isArray(contents)) {
    return fail('CHECKPOINT_INVALID', `${path} has a description that is no object`, 'Use another copy of the file.');
  }
  let current = contents as Record<string, unknown>;
  const found = current.version;
  if (!Number.isInteger(found) || (found as number) > version) {
    return fail(
      'CHECKPOINT_INVALID',
      `${path} has checkpoint format ${String(found)}, this version reads up to ${version}`,
      'Install a newer version of recurrent-onnx.',
    );
  }
  for (let at = found as number; at < version; at++) {
    const step = steps[at];
    if (!step)
      return fail('CHECKPOINT_INVALID', `${path} has the unknown format ${at}`, 'Use another copy of the file.');
    current = { ...step(current), version: at + 1 };
  }
  return current;
}
