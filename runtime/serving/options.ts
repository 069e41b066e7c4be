/** What a server can be told. One schema for the library and the command line. */
import { createSecureContext } from 'node:tls';
import { z } from 'zod';
import { fail } from '../../src/core/errors.ts';
import { providerNames } from '../onnx/providers.ts';
import { arenaExtensions, checkSessionOptions, graphOptimisations } from '../onnx/session-options.ts';

const port = z.int().min(0).max(65_535);

export const serveOptionsSchema = z.strictObject({
  /** Name of a single file's model; by default that of the file. */
  name: z.string().optional(),
  /** Address to listen at. The default is reached from this machine only. */
  host: z.string().min(1).default('127.0.0.1'),
  /** Port of HTTP; 0 takes a free one. */
  port: port.default(8000),
  /** Port of gRPC; left out, there is none. */
  grpcPort: port.optional(),
  /** Rows that run together. A CPU is at full speed with 16; more would only make all of them wait. */
  maxBatch: z.int().min(1).max(4096).default(16),
  /** Milliseconds for which a row waits for others while the model is idle. */
  maxDelayMs: z.number().min(0).max(10_000).default(0),
  /** Rows that may wait for a model; more are refused. */
  maxQueue: z.int().min(1).max(1_000_000).default(1024),
  /** Rows of one request. */
  maxRows: z.int().min(1).max(100_000).default(1024),
  /** Bytes of a request, also after decompression. */
  maxBodyBytes: z
    .int()
    .min(1024)
    .max(2 ** 30)
    .default(8 * 2 ** 20),
  /** Seconds until a request that is not answered ends, and until one must have arrived. */
  timeoutSeconds: z.number().min(0.01).max(3600).default(30),
  /**
   * Where models run: in child processes, so that a fault of the runtime cannot take the server down and a long run
   * never holds up its other work, or in the server's own.
   */
  isolation: z.enum(['process', 'none']).default('process'),
  /** Child processes for each model: while one is replaced, another goes on. */
  workers: z.int().min(1).max(256).default(2),
  /** Threads inside one run of a model. */
  threads: z.int().min(1).max(1024).optional(),
  /** Execution provider, and what it can be told: as in `SessionOptions` of `recurrent-onnx/runtime`. */
  providers: z.union([z.enum(['auto', ...providerNames]), z.array(z.enum(providerNames)).min(1)]).optional(),
  strictProvider: z.boolean().optional(),
  graphOptimisation: z.enum(graphOptimisations).optional(),
  cpuArena: z.boolean().optional(),
  memoryPattern: z.boolean().optional(),
  deviceId: z.int().min(0).max(1023).optional(),
  gpuMemoryLimit: z.int().min(1).optional(),
  arenaExtension: z.enum(arenaExtensions).optional(),
  /** Texts of a model that may be open at a time, for clients that send one in pieces. */
  maxSequences: z.int().min(1).max(1_000_000).default(10_000),
  /** Seconds without a piece after which such a text is forgotten. */
  sequenceIdleSeconds: z.number().min(0.01).max(86_400).default(60),
  /** Seconds between two looks at the files; 0 never looks again. */
  reloadSeconds: z.number().min(0).max(3600).default(2),
  /** Whether clients may load and unload models. */
  modelControl: z.boolean().default(false),
  /** Clients must send it as `Authorization: Bearer …` or `X-API-Key`. */
  apiKey: z.string().min(16).optional(),
  /** Certificate and private key in PEM. */
  tls: z.strictObject({ cert: z.string(), key: z.string() }).optional(),
});

export type ServeOptions = z.input<typeof serveOptionsSchema>;
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
