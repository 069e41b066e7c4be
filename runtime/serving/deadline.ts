/** Work with an end: too late, or the client is gone. */
import { fail, RecurrentError } from '../../src/core/errors.ts';

/**
 * @param onGone registers what is to be called when the client is gone
 * @throws DEADLINE_EXCEEDED, and what `work` throws
 */
export async function withDeadline<T>(
  milliseconds: number,
  onGone: (leave: () => void) => void,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    controller.abort();
  }, milliseconds);
  onGone(() => controller.abort());
  try {
    return await work(controller.signal);
  } catch (error) {
    controller.abort(); // when one row of a request fails, the others need not run
    if (late && error instanceof RecurrentError && error.code === 'INTERRUPTED') {
      return fail('DEADLINE_EXCEEDED', `no answer within ${milliseconds} ms`, 'Try again later, or allow more time.');
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
