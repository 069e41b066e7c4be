/**
 * The end of the HTTP server: what was asked is answered, but a connection on which nothing was asked does not hold it up.
 * Node alone would wait for each as long as its client likes: it stops its own timeouts when it begins to close, and
 * `closeAllConnections` leaves out those that have not come to the end of their TLS handshake.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** For answers that are on their way, and for those who have just connected to say what they want. */
const graceMs = 100;

/** @param limitMs how long requests may take that are there when the end begins */
export function drainOnClose(app: FastifyInstance, limitMs: number): void {
  const unanswered = new Set<ServerResponse>();
  const sockets = new Set<Socket>();
  let closing = false;
  let limit: NodeJS.Timeout | undefined;

  app.server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  function closeConnections(): void {
    for (const socket of sockets) socket.destroy();
  }

  function endWhenDone(): void {
    if (!closing || unanswered.size > 0) return;
    const end = () => {
      if (unanswered.size === 0) closeConnections();
    };
    // What came while this process was busy with other things is read first.
    setTimeout(() => setImmediate(end), graceMs).unref();
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
    limit = setTimeout(closeConnections, limitMs).unref();
    endWhenDone();
    done();
  });
  app.addHook('onClose', (_, done) => {
    clearTimeout(limit);
    done();
  });
}
