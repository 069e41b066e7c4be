/** The HTTP server: routes, limits, keys and logs. */
import { randomUUID } from 'node:crypto';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import { fail } from '../../../src/core/errors.ts';
import { checkApiKey } from '../api-key.ts';
import type { Service } from '../service.ts';
import { acceptBodies } from './body.ts';
import { drainOnClose } from './drain.ts';
import { refuseConnection, sendError } from './errors.ts';
import { openApiDocument } from './openapi.ts';
import { peopleRoutes } from './people-routes.ts';
import { protocolRoutes } from './protocol-routes.ts';
import type { Route } from './route.ts';

/** Probes come every few seconds: they need no key, and are logged at level debug. */
interface RouteConfig {
  readonly open?: boolean;
}

/** Connections that stay open without a request, in milliseconds: longer than proxies keep theirs. */
const keepAlive = 72_000;

export function createApp(service: Service, logger: FastifyBaseLogger): FastifyInstance {
  const { settings } = service;
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: settings.maxBodyBytes,
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    forceCloseConnections: 'idle',
    return503OnClosing: false, // fastify's own answer has no id, no code and no Retry-After
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, request, reply) => {
      sendError(error, request, reply);
    },
    routerOptions: { maxParamLength: 256 },
    serverFactory: (handler) => createServer(handler, settings),
  });
  acceptBodies(app, settings.maxBodyBytes);
  drainOnClose(app, settings.timeoutSeconds * 1000);

  const routes = [...protocolRoutes(service), ...peopleRoutes(service)];
  const document: Route = {
    method: 'GET',
    url: '/openapi.json',
    summary: 'This document',
    answers: { 200: { description: 'The document', content: { 'application/json': { type: 'object' } } } },
    handle: () => openApi,
  };
  routes.push(document);
  const openApi = openApiDocument(routes, settings.apiKey !== undefined);
  for (const { method, url, open, handle } of routes) {
    app.route({
      method,
      url,
      config: { open: open === true },
      handler: async (request, reply) => handle(request, reply),
    });
  }
  refuseOtherMethods(app, routes);

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    const { open } = request.routeOptions.config as RouteConfig;
    if (open === true) return;
    const { authorization, 'x-api-key': apiKey } = request.headers;
    checkApiKey(settings.apiKey, { authorization, apiKey: apiKey?.toString() });
    if (service.stopping) fail('NOT_READY', 'the server is stopping', 'Try again later, or ask another one.');
  });
  app.addHook('onSend', async (_, reply) => {
    // A connection that was busy when the server began to stop is not idle, and would be waited for.
    if (service.stopping) reply.header('connection', 'close');
  });
  app.addHook('onResponse', async (request, reply) => {
    const { method, url } = request;
    const milliseconds = Number(reply.elapsedTime.toFixed(3));
    const isProbe = (request.routeOptions.config as RouteConfig).open;
    request.log[isProbe ? 'debug' : 'info'](
      { method, path: url.split('?')[0], status: reply.statusCode, milliseconds },
      'request',
    );
  });
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply));
  app.setNotFoundHandler(({ method, url }) =>
    fail('ROUTE_UNKNOWN', `there is nothing at ${method} ${url.split('?')[0]}`, 'GET /openapi.json lists the routes.'),
  );
  return app;
}

function createServer(handler: Parameters<typeof createHttpServer>[1], settings: Service['settings']): Server {
  const timeout = settings.timeoutSeconds * 1000;
  const options = {
    requestTimeout: timeout,
    headersTimeout: timeout,
    keepAliveTimeout: keepAlive,
    connectionsCheckingInterval: Math.min(1000, timeout),
  };
  return settings.tls
    ? (createHttpsServer({ ...options, ...settings.tls, minVersion: 'TLSv1.2' }, handler) as unknown as Server)
    : createHttpServer(options, handler);
}

/** A path that exists is told apart from one that does not. */
function refuseOtherMethods(app: FastifyInstance, routes: readonly Route[]): void {
  for (const url of new Set(routes.map((route) => route.url))) {
    const allowed = routes.filter((route) => route.url === url).map(({ method }): string => method);
    if (allowed.includes('GET')) allowed.push('HEAD');
    app.route({
      method: app.supportedMethods.filter((method) => !allowed.includes(method)),
      url,
      handler: async ({ method }, reply) => {
        reply.header('allow', allowed.join(', '));
        return fail('METHOD_UNSUPPORTED', `${url} does not take ${method}`, `It takes ${allowed.join(', ')}.`);
      },
    });
  }
}
