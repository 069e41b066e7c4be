import { isDeepStrictEqual } from 'node:util';
import { readMetadata } from '../../models/metadata/metadata.ts';
import { fail } from '../core/errors.ts';
import type { Subject } from './runner.ts';

/**
 * Runners take ids and give numbers: how texts become ids and numbers labels they do not see. So the file must say of
 * these what the model does.
 *
 * @throws PARITY_FAILED; ONNX_INVALID, METADATA_INVALID
 */
export function checkSubject({ model, onnx }: Subject): void {
  const file = readMetadata(onnx);
  for (const part of ['spec', 'preprocessing', 'vocabulary', 'labels'] as const) {
    if (isDeepStrictEqual(file[part], model[part])) continue;
    fail(
      'PARITY_FAILED',
      `the ONNX file and the model differ in their ${part}`,
      'Compare a model with the file that was exported from it.',
    );
  }
}
