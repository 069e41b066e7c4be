import { fail } from '../../src/core/errors.ts';

/**
 * The opsets that can be written, each with the IR version that the ONNX release which brought it used.
 * 14 is the first with the recurrent operators' present form; a test runs models of every one.
 */
export const irVersions: Readonly<Record<number, number>> = {
  14: 7,
  15: 8,
  16: 8,
  17: 8,
  18: 8,
  19: 9,
  20: 9,
  21: 10,
  22: 10,
};

/** Understood by every runtime of the last years, and enough for all that is lowered here. */
export const defaultOpset = 17;

/** @throws OPTION_UNSUPPORTED when `opset` cannot be honoured */
export function irVersionOf(opset: number): number {
  const version = irVersions[opset];
  if (version !== undefined) return version;
  const known = Object.keys(irVersions);
  return fail('OPTION_UNSUPPORTED', `opset ${opset} cannot be written`, `Choose one of ${known.join(', ')}.`);
}
