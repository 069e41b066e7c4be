/** What a server can be told. One schema for the library and the command line. */
import { createSecureContext } from 'node:tls';
import { z } from 'zod';
import { fail } from '../../src/core/errors.ts';
import { providerNames } from '../onnx/providers.ts';
import {
  arenaExtensions,
  checkSessionOptions,
  graphOptimisations,
  type SessionOptions,
} from '../onnx/session-options.ts';

const port = z.int().min(0).max(65_535);

/** What a server can be told; those of `SessionOptions` are its models'. */
export interface ServeOptions extends SessionOptions {
  /** Name of a single file's model; by default that of the file. */
  readonly name?: string | undefined;
  /** Address to listen at. Default: `127.0.0.1`, which is reached from this machine only. */
  readonly host?: string | undefined;
  /** Port for HTTP; 0 takes a free one. Default: 8000. */
  readonly port?: number | undefined;
  /** Port for gRPC; left out, there is none. Needs the package `@grpc/grpc-js`. */
  readonly grpcPort?: number | undefined;
  /** Rows that run together. Default: 16, at which a CPU is at full speed; more would only make all of them wait. */
  readonly maxBatch?: number | undefined;
  /** Milliseconds for which a row waits for others while the model is idle. Default: 0. */
  readonly maxDelayMs?: number | undefined;
  /** Rows that may wait for a model; more are refused. Default: 1024. */
  readonly maxQueue?: number | undefined;
  /** Rows of one request. Default: 1024. */
  readonly maxRows?: number | undefined;
  /** Bytes of a request, also after decompression. Default: 8 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** Seconds until a request that is not answered ends, and until one must have arrived. Default: 30. */
  readonly timeoutSeconds?: number | undefined;
  /**
   * Where models run: in child processes, so that a fault of the runtime cannot take the server down and a long run
   * never holds up its other work, or in the server's own. Default: `process`.
   */
  readonly isolation?: 'process' | 'none' | undefined;
  /** Child processes for each model: while one is replaced, another goes on. Default: 2. */
  readonly workers?: number | undefined;
  /** Threads inside one run of a model. Default: the cores shared out. */
  readonly threads?: number | undefined;
  /** Texts of a model that may be open at a time, for clients that send one in pieces. Default: 10,000. */
  readonly maxSequences?: number | undefined;
  /** Seconds without a piece after which such a text is forgotten. Default: 60. */
  readonly sequenceIdleSeconds?: number | undefined;
  /** Seconds between two looks at the files; 0 never looks again. Default: 2. */
  readonly reloadSeconds?: number | undefined;
  /** Whether clients may load and unload models. Default: false. */
  readonly modelControl?: boolean | undefined;
  /** Clients must send it as `Authorization: Bearer …` or `X-API-Key`. At least 16 characters. */
  readonly apiKey?: string | undefined;
  /** Certificate and private key in PEM, for https. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
}

/** Ranges and defaults; `ServeOptions` says what each option means, and a test holds the two against each other. */
export const serveOptionsSchema = z.strictObject({
  name: z.string().optional(),
  host: z.string().min(1).default('127.0.0.1'),
  port: port.default(8000),
  grpcPort: port.optional(),
  maxBatch: z.int().min(1).max(4096).default(16),
  maxDelayMs: z.number().min(0).max(10_000).default(0),
  maxQueue: z.int().min(1).max(1_000_000).default(1024),
  maxRows: z.int().min(1).max(100_000).default(1024),
  maxBodyBytes: z
    .int()
    .min(1024)
    .max(2 ** 30)
    .default(8 * 2 ** 20),
  timeoutSeconds: z.number().min(0.01).max(3600).default(30),
  isolation: z.enum(['process', 'none']).default('process'),
  workers: z.int().min(1).max(256).default(2),
  threads: z.int().min(1).max(1024).optional(),
  providers: z.union([z.enum(['auto', ...providerNames]), z.array(z.enum(providerNames)).min(1).readonly()]).optional(),
  strictProvider: z.boolean().optional(),
  graphOptimisation: z.enum(graphOptimisations).optional(),
  cpuArena: z.boolean().optional(),
  memoryPattern: z.boolean().optional(),
  deviceId: z.int().min(0).max(1023).optional(),
  gpuMemoryLimit: z.int().min(1).optional(),
  arenaExtension: z.enum(arenaExtensions).optional(),
  maxSequences: z.int().min(1).max(1_000_000).default(10_000),
  sequenceIdleSeconds: z.number().min(0.01).max(86_400).default(60),
  reloadSeconds: z.number().min(0).max(3600).default(2),
  modelControl: z.boolean().default(false),
  apiKey: z.string().min(16).optional(),
  tls: z.strictObject({ cert: z.string(), key: z.string() }).optional(),
});

export type ServeSettings = z.output<typeof serveOptionsSchema>;

/** @throws OPTION_INVALID, OPTION_UNKNOWN, OPTION_UNSUPPORTED */
export function readServeOptions(options: ServeOptions): ServeSettings {
  const result = serveOptionsSchema.safeParse(options);
  if (result.success) {
    checkSessionOptions(result.data);
    checkTls(result.data);
    return result.data;
  }
  const [issue] = result.error.issues;
  if (issue?.code === 'unrecognized_keys') {
    return fail('OPTION_UNKNOWN', `serve has no option ${issue.keys.join(', ')}`, 'See docs/serving.md.');
  }
  return fail('OPTION_INVALID', `${issue?.path.join('.')}: ${issue?.message}`, 'See docs/serving.md.');
}

function checkTls({ tls }: ServeSettings): void {
  try {
    if (tls) createSecureContext(tls);
  } catch (error) {
    const reason = (error as Error).message;
    fail('OPTION_INVALID', `TLS: ${reason}`, 'Give a certificate and its private key, both in PEM.', error);
  }
}
