/** How a server is told what to do: ranges and defaults are those of its schema. */
import { Option } from 'commander';
import type { SessionOptions } from '../../../runtime/onnx/session-options.ts';
import { type ServeOptions, serveOptionsSchema } from '../../../runtime/serving/options.ts';
import { number } from './kinds.ts';
import { type ProviderCommandOptions, providerOptions, sessionOptionsOf } from './provider.ts';

const {
  host,
  port,
  grpcPort,
  threads,
  maxBatch,
  maxDelayMs,
  maxQueue,
  maxRows,
  maxBodyBytes,
  timeoutSeconds,
  maxSequences,
  sequenceIdleSeconds,
  reloadSeconds,
  isolation,
  workers,
} = serveOptionsSchema.shape;

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export const serveOptions: readonly Option[] = [
  new Option('--name <name>', "name of a single file's model (default: that of the file)"),
  new Option('--host <address>', `address to listen at (default: ${host.parse(undefined)}, this machine only)`),
  number('--port <n>', 'port for HTTP, 0 for any free one', port),
  number('--grpc-port <n>', 'port for gRPC (default: no gRPC; needs @grpc/grpc-js)', grpcPort),
  number('--max-batch <n>', 'rows that run together', maxBatch),
  number('--max-delay-ms <x>', 'milliseconds for which a row waits for others while the model is idle', maxDelayMs),
  number('--max-queue <n>', 'rows that may wait for a model', maxQueue),
  number('--max-rows <n>', 'rows of one request', maxRows),
  number('--max-body-bytes <n>', 'bytes of one request', maxBodyBytes),
  number('--timeout-seconds <x>', 'seconds that a request may take', timeoutSeconds),
  number('--max-sequences <n>', 'texts in pieces that may be open for a model', maxSequences),
  number(
    '--sequence-idle-seconds <x>',
    'seconds without a piece after which such a text is forgotten',
    sequenceIdleSeconds,
  ),
  number('--reload-seconds <x>', 'seconds between two looks at the files, 0 for never', reloadSeconds),
  new Option('--isolation <kind>', `where models run (default: ${isolation.parse(undefined)})`).choices([
    'process',
    'none',
  ]),
  number('--workers <n>', 'child processes for each model', workers),
  number('--threads <n>', 'threads inside one run of a model (default: the cores shared out)', threads),
  ...providerOptions.filter(({ long }) => long !== '--threads'),
  new Option('--model-control', 'let clients list, load and unload models'),
  new Option('--api-key-file <path>', 'file with the key that clients must send (or RECURRENT_API_KEY)'),
  new Option('--tls-cert <path>', 'certificate in PEM, for https'),
  new Option('--tls-key <path>', 'its private key in PEM'),
  new Option('--log-level <level>', 'least severe messages that are logged (default: info)').choices(logLevels),
];

type ServerOptions = Omit<ServeOptions, keyof SessionOptions | 'apiKey' | 'tls'>;

export interface ServeCommandOptions extends ProviderCommandOptions, ServerOptions {
  readonly apiKeyFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly logLevel?: (typeof logLevels)[number];
}

/** What the server is told; its key, its certificate and its log are the command's. */
export function settingsOf(options: ServeCommandOptions): ServeOptions {
  const known = Object.keys(serveOptionsSchema.shape);
  const given = Object.entries(options).filter(([name]) => known.includes(name));
  return { ...Object.fromEntries(given), ...(sessionOptionsOf(options) as ServeOptions) };
}
