/** Metadata of older files are brought up to date step by step; those of newer ones are refused. */
import { fail } from '../../src/core/errors.ts';

/** The format that is written. Raise it with each change that older readers would misread, and add a step below. */
export const formatVersion = 1;

type Contents = Readonly<Record<string, unknown>>;

/** Entry k turns metadata of format k into those of format k + 1. */
const steps: Readonly<Record<number, (contents: Contents) => Contents>> = {};

/** @throws METADATA_INVALID */
export function migrate(format: unknown, contents: Contents): Contents {
  if (typeof format !== 'number' || !Number.isInteger(format) || format < 1 || format > formatVersion) {
    return fail(
      'METADATA_INVALID',
      `the metadata have format ${JSON.stringify(format)}, this version reads 1 to ${formatVersion}`,
      'Install a newer version of recurrent-onnx, or export the model again.',
    );
  }
  let current = contents;
  for (let at = format; at < formatVersion; at++) current = steps[at]?.(current) ?? current;
  return current;
}
