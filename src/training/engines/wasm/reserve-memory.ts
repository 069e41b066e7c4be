import { fail } from '../../../core/errors.ts';
import type { KernelMemory } from './kernels.ts';

export const pageBytes = 65536;
export const pagesOf = (bytes: number) => Math.ceil(bytes / pageBytes);

/** What 32-bit addresses reach, less a page, so that no address overflows. */
export const mostBytes = pageBytes * 65535;

/**
 * Makes a memory at least so large.
 *
 * @param what lies in it, a noun phrase
 * @throws OPTION_UNSUPPORTED
 */
export function reserveMemory(memory: KernelMemory, bytes: number, what: string): void {
  const missing = pagesOf(bytes) - memory.buffer.byteLength / pageBytes;
  if (missing <= 0) return;
  const hint = 'Use a smaller batch size or length, or --engine js.';
  const needed = `${what} needs ${Math.ceil(bytes / 2 ** 20)} MiB`;
  if (bytes > mostBytes) fail('OPTION_UNSUPPORTED', `${needed}, a WebAssembly memory has 4095 MiB at most`, hint);
  try {
    memory.grow(missing);
  } catch (error) {
    fail('OPTION_UNSUPPORTED', `${needed}, which this machine does not give`, hint, error);
  }
}
