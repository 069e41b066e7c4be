import { once } from 'node:events';
import type { Command } from 'commander';
import type { RunningServer } from '../../../runtime/serving/server.ts';
import { fail } from '../../core/errors.ts';
import { readFileWhole } from '../../core/files.ts';
import { defineCommand, withExamples, withOptions } from '../command.ts';
import { interruptible } from '../interrupt.ts';
import { type ServeCommandOptions, serveOptions, settingsOf } from '../options/serve.ts';
import type { Terminal, TerminalOptions } from '../terminal/terminal.ts';

type Options = TerminalOptions & ServeCommandOptions;

/** `recurrent serve`: ONNX files over HTTP and gRPC. */
export function serve(): Command {
  const command = defineCommand(
    'serve',
    'serve ONNX files over HTTP and gRPC, by the Open Inference Protocol',
    async (terminal, options: Options, source: string) => {
      const { quiet, logLevel = quiet ? 'silent' : 'info', apiKeyFile, tlsCert, tlsKey } = options;
      const { startServer } = await import('../../../runtime/serving/server.ts');
      const { createLogger } = await import('../serve/log.ts');
      const logger = createLogger(logLevel);
      const apiKey = await readApiKey(apiKeyFile);
      const tls = await readTls(tlsCert, tlsKey);
      const serveUntilStopped = async (signal: AbortSignal) => {
        const server = await startServer(source, { ...settingsOf(options), apiKey, tls }, { logger });
        warnIfOpen(terminal, server, options, apiKey);
        const { url, grpcAddress, models } = server;
        terminal.answer({ url, grpcAddress, models }, describe(server));
        if (!signal.aborted) await once(signal, 'abort');
        await server.close();
        logger.info('stopped');
      };
      try {
        await interruptible(serveUntilStopped, () =>
          logger.info('stopping: no new requests, those that are there are answered'),
        );
      } finally {
        await new Promise((resolve) => logger.flush(resolve)); // an error is told behind it
      }
    },
  ).argument('<file|folder>', 'an ONNX file, or a folder of <name>/<version>/model.onnx and <name>.onnx');
  return withExamples(
    withOptions(command, ...serveOptions),
    'recurrent serve model.onnx',
    'recurrent serve models --port 8080 --grpc-port 8081 --max-delay-ms 2',
    'recurrent serve models --provider cuda --device 1',
    'recurrent serve models --host 0.0.0.0 --api-key-file key.txt --tls-cert cert.pem --tls-key key.pem',
    `curl -s localhost:8000/v1/classify -H 'content-type: application/json' -d '{"text": "You have won a prize"}'`,
  );
}

function describe({ url, grpcAddress, models }: RunningServer): string {
  const names = models.map(({ name, version }) => `${name} (version ${version})`);
  return `Serving ${names.join(', ')} at ${[url, ...(grpcAddress ? [`gRPC ${grpcAddress}`] : [])].join(' and ')}\nCtrl-C stops.`;
}

function warnIfOpen(terminal: Terminal, { url }: RunningServer, { host }: Options, apiKey: string | undefined): void {
  if (host === undefined || /^(localhost|127\.|::1$)/.test(host) || apiKey !== undefined) return;
  terminal.warn(`Anybody who reaches ${url} can use it: --api-key-file asks clients for a key.`);
}

/** Not on the command line, which every process of the machine can read. */
async function readApiKey(path: string | undefined): Promise<string | undefined> {
  const key = path === undefined ? process.env.RECURRENT_API_KEY : Buffer.from(await readFileWhole(path)).toString();
  if (key === undefined) return undefined;
  if (/^\S{16,}$/.test(key.trim())) return key.trim();
  return fail(
    'OPTION_INVALID',
    `the API key in ${path ?? 'RECURRENT_API_KEY'} is shorter than 16 characters, or has spaces`,
    'Make one: `openssl rand -hex 32`.',
  );
}

async function readTls(cert: string | undefined, key: string | undefined) {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    return fail('OPTION_INVALID', 'TLS needs both --tls-cert and --tls-key', 'Give both files.');
  }
  const [certificate, secret] = await Promise.all([readFileWhole(cert), readFileWhole(key)]);
  return { cert: Buffer.from(certificate).toString(), key: Buffer.from(secret).toString() };
}
