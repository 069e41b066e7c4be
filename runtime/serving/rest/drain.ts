/**
 * The end of the HTTP server: what was asked is answered, but a connection on which nothing was asked does not hold it up.
 * Node alone would wait for each as long as its client likes: it stops its own timeouts when it begins to close.
 */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';

/** For answers that are on their way, and for those who have just connected to say what they want. */
const graceMs = 100;

/** @param limitMs how long requests may take that are there when the end begins */
export function drainOnClose(app: FastifyInstance, limitMs: number): void {
  const unanswered = new Set<ServerResponse>();
  let closing = false;
  let limit: NodeJS.Timeout | undefined;

  function endWhenDone(): void {
    if (!closing || unanswered.size > 0) return;
    setTimeout(() => {
      if (unanswered.size === 0) app.server.closeAllConnections();
    }, graceMs).unref();
  }

  app.addHook('onRequest', (_, { raw }, done) => {
    unanswered.add(raw);
    raw.once('close', () => {
      unanswered.delete(raw);
      endWhenDone();
    });
    done();
  });
  app.addHook('preClose', (done) => {
    closing = true;
    limit = setTimeout(() => app.server.closeAllConnections(), limitMs).unref();
    endWhenDone();
    done();
  });
  app.addHook('onClose', (_, done) => {
    clearTimeout(limit);
    done();
  });
}
