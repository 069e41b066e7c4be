/**
 * The error catalogue. Every throw in the product goes through `fail`, so that each error has a code
 * that programs can test, an exit status for the command line and a status for HTTP and gRPC.
 * `docs/errors.md` lists the same codes; a test ties the two together.
 */

/** Exit status of the command line: 2 is a user's mistake, 1 a fault of the program or the machine, 130 Ctrl-C. */
type ExitStatus = 1 | 2 | 130;

interface CatalogueEntry {
  /** One sentence: when this error is raised. */
  readonly when: string;
  readonly exit: ExitStatus;
  readonly http: number;
  readonly grpc:
    | 'INVALID_ARGUMENT'
    | 'NOT_FOUND'
    | 'FAILED_PRECONDITION'
    | 'UNAVAILABLE'
    | 'UNAUTHENTICATED'
    | 'PERMISSION_DENIED'
    | 'UNIMPLEMENTED'
    | 'RESOURCE_EXHAUSTED'
    | 'DEADLINE_EXCEEDED'
    | 'INTERNAL'
    | 'ABORTED';
}

const userMistake = { exit: 2, http: 400, grpc: 'INVALID_ARGUMENT' } as const;
const notFound = { exit: 2, http: 404, grpc: 'NOT_FOUND' } as const;
const missingPart = { exit: 2, http: 503, grpc: 'FAILED_PRECONDITION' } as const;
const fault = { exit: 1, http: 500, grpc: 'INTERNAL' } as const;

export const catalogue = {
  OPTION_UNKNOWN: { when: 'A command, option or argument is not known.', ...userMistake },
  OPTION_INVALID: {
    when: 'An option or argument has a value outside its range, or options contradict each other.',
    ...userMistake,
  },
  OPTION_UNSUPPORTED: {
    when: 'The chosen path cannot honour this option; the hint names the path which can.',
    ...userMistake,
  },
  SPEC_INVALID: { when: 'A model spec does not parse, or its layers do not fit together.', ...userMistake },
  LAYER_UNSUPPORTED: { when: 'The chosen path cannot do this layer or one of its options.', ...userMistake },
  MODEL_UNKNOWN: { when: 'No model of the zoo, or of a server, has this name or version.', ...notFound },
  WEIGHTS_INVALID: { when: 'Weights do not match their spec, or hold NaN or infinite values.', ...userMistake },
  DATA_NOT_FOUND: { when: 'A data source, file or column does not exist.', ...notFound },
  DATA_INVALID: {
    when: 'Data are empty, damaged, binary, too large, or not of the form that their reader takes.',
    ...userMistake,
  },
  DATA_LABELS: { when: 'Labels are missing, of one class only, or not those of the model.', ...userMistake },
  DOWNLOAD_FAILED: {
    when: 'A file could not be fetched: there is no network, or the server has not got it.',
    exit: 1,
    http: 503,
    grpc: 'UNAVAILABLE',
  },
  FILE_NOT_FOUND: { when: 'A file or folder that the command needs does not exist.', ...notFound },
  FILE_ACCESS: { when: 'The system refused to read or write a file (permission, disk full, read-only).', ...fault },
  FOLDER_EXISTS: { when: 'The folder to be written holds something already.', ...userMistake },
  RUN_EXISTS: { when: 'The folder of a new run already holds one.', ...userMistake },
  RUN_LOCKED: { when: 'Another process is writing to this run folder.', ...userMistake },
  CHECKPOINT_INVALID: {
    when: 'A checkpoint is cut short, damaged, or of a format this version does not know.',
    ...userMistake,
  },
  IMPORT_INVALID: {
    when: "Another framework's model file is cut short, damaged, or of a form that is not read.",
    ...userMistake,
  },
  IMPORT_AMBIGUOUS: {
    when: "Another framework's model file does not say what the model needs; the hint names the choices.",
    ...userMistake,
  },
  RESUME_MISMATCH: {
    when: 'A run cannot be resumed because data or options differ from those it started with.',
    ...userMistake,
  },
  GRAPH_INVALID: { when: 'The structural checker refused a graph.', ...fault },
  ONNX_INVALID: { when: 'An ONNX file is cut short, damaged, or not one that this product can run.', ...userMistake },
  METADATA_INVALID: { when: 'An ONNX file lacks the metadata needed to classify raw text.', ...userMistake },
  INPUT_INVALID: {
    when: 'An input of a prediction has the wrong type, a zero dimension, or an id out of range.',
    ...userMistake,
  },
  ENGINE_MISSING: { when: 'A training engine or parity runner is not installed or does not load.', ...missingPart },
  PROVIDER_MISSING: { when: 'A requested execution provider is not available.', ...missingPart },
  PROVIDER_FALLBACK: {
    when: 'With strictProvider, a recurrent node does not run on the provider that was asked for.',
    ...missingPart,
  },
  PACKAGE_MISSING: { when: 'An optional package is not installed.', ...missingPart },
  PART_BROKEN: { when: 'A part of this machine does not work, as `recurrent doctor` found.', ...fault },
  MEMORY_TOO_SMALL: { when: 'Training would need more memory than the machine has.', ...userMistake },
  ENGINE_FAILED: { when: 'A worker thread of a training engine died, or the engine reported a fault.', ...fault },
  LOSS_NOT_FINITE: { when: 'The loss or a weight became NaN or infinite during training.', ...fault },
  PARITY_FAILED: {
    when: 'Two runners disagree: a label flip, or an error over tolerance; or the ONNX file is of another model.',
    ...fault,
  },
  QUEUE_FULL: {
    when: 'More rows wait for the model than the queue may hold; it may be tried again later.',
    exit: 1,
    http: 429,
    grpc: 'RESOURCE_EXHAUSTED',
  },
  SEQUENCES_FULL: {
    when: 'As many texts in pieces are open on a server as it holds; it may be tried again later.',
    exit: 1,
    http: 429,
    grpc: 'RESOURCE_EXHAUSTED',
  },
  SEQUENCE_UNKNOWN: { when: 'A server has no text in pieces of this id, or has it no more.', ...notFound },
  RUNTIME_FAILED: { when: 'The inference runtime reported a fault.', ...fault },
  RUNTIME_LOST: {
    when: 'The process that ran the model died or hung, and its batch with it; it may be sent again.',
    exit: 1,
    http: 503,
    grpc: 'UNAVAILABLE',
  },
  REQUEST_INVALID: { when: 'A request to a server is not of the form that the protocol has.', ...userMistake },
  UNAUTHENTICATED: {
    when: 'A server wants an API key, and the request has none or another.',
    exit: 2,
    http: 401,
    grpc: 'UNAUTHENTICATED',
  },
  MODEL_CONTROL_OFF: {
    when: 'A server that was started without leave for it was to load, unload or list models.',
    exit: 2,
    http: 403,
    grpc: 'PERMISSION_DENIED',
  },
  ROUTE_UNKNOWN: { when: 'A server has nothing at this path.', ...notFound },
  METHOD_UNSUPPORTED: {
    when: 'A path of a server does not take this method.',
    exit: 2,
    http: 405,
    grpc: 'UNIMPLEMENTED',
  },
  REQUEST_TOO_LARGE: {
    when: 'A request is larger than the server takes, as it is or once unpacked.',
    exit: 2,
    http: 413,
    grpc: 'RESOURCE_EXHAUSTED',
  },
  MEDIA_TYPE_UNSUPPORTED: {
    when: 'A request is of a media type, or packed in a way, that the server does not take.',
    exit: 2,
    http: 415,
    grpc: 'INVALID_ARGUMENT',
  },
  NOT_READY: { when: 'A model is being loaded, or its file could not be.', exit: 1, http: 503, grpc: 'UNAVAILABLE' },
  DEADLINE_EXCEEDED: {
    when: 'A request had no answer in the time that it, or the server, allows.',
    exit: 1,
    http: 504,
    grpc: 'DEADLINE_EXCEEDED',
  },
  LISTEN_FAILED: { when: 'A server cannot listen at its address and port.', ...fault },
  DISPOSED: { when: 'An object was used after dispose().', ...userMistake },
  INTERRUPTED: { when: 'The user or an AbortSignal stopped the work.', exit: 130, http: 503, grpc: 'ABORTED' },
  INTERNAL: { when: 'A fault of the program itself: please report it.', ...fault },
} as const satisfies Record<string, CatalogueEntry>;

/** A code of the catalogue, for programs to test. */
export type ErrorCode = keyof typeof catalogue;

/** Errors of a moment: the same request may well succeed when it is sent again. */
const passing: readonly ErrorCode[] = ['QUEUE_FULL', 'SEQUENCES_FULL', 'RUNTIME_LOST', 'DOWNLOAD_FAILED'];

/** The only error class of the product. `message` says what was wrong and where, `hint` what to do. */
export class RecurrentError extends Error {
  override readonly name = 'RecurrentError';

  /** What kind of error it is, for programs to test. */
  readonly code: ErrorCode;
  /** What to do about it, for people. */
  readonly hint: string;

  constructor(code: ErrorCode, message: string, hint: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }

  /** Whether the same request may well succeed when it is sent again. */
  get retryable(): boolean {
    return passing.includes(this.code);
  }

  /** Code, message and hint. */
  toJSON(): { code: ErrorCode; message: string; hint: string } {
    return { code: this.code, message: this.message, hint: this.hint };
  }
}

/** Throws a {@link RecurrentError}. */
export function fail(code: ErrorCode, message: string, hint: string, cause?: unknown): never {
  throw new RecurrentError(code, message, hint, cause === undefined ? undefined : { cause });
}

/** The first line of what another library says of an error, which need not be an `Error`. */
export function firstLine(error: unknown): string {
  return String((error as Error | undefined)?.message ?? error).split('\n', 1)[0] as string;
}

/** Throws INTERNAL when a condition that the code itself guarantees does not hold. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) fail('INTERNAL', message, 'Please report this with the command that you ran.');
}
