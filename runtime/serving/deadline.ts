/** Work with an end: too late, or the client is gone. */
import { RecurrentError } from '../../src/core/errors.ts';

/**
 * @param onGone registers what is to be called when the client is gone
 * @throws DEADLINE_EXCEEDED at the deadline, whatever `work` waits for; and what `work` throws
 */
export async function withDeadline<T>(
  milliseconds: number,
  onGone: (leave: () => void) => void,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  onGone(() => controller.abort());
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooLate(milliseconds)), milliseconds);
  });
  try {
    return await Promise.race([work(controller.signal), deadline]);
  } catch (error) {
    controller.abort(); // nobody waits for it any more; when one row of a request fails, the others need not run
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function tooLate(milliseconds: number): RecurrentError {
  const hint = 'Try again later, or allow more time.';
  return new RecurrentError('DEADLINE_EXCEEDED', `no answer within ${milliseconds} ms`, hint);
}
