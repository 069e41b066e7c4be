/**
 * The messages of an event file, of which few fields are needed (tensorflow/core/util/event.proto and
 * tensorflow/core/framework/summary.proto). A value is written as `simple_value`, as PyTorch's writer does: every
 * version of TensorBoard reads it.
 */
import protobuf from 'protobufjs/minimal.js';

export interface EventMessage {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step?: number | undefined;
  readonly what:
    | { readonly type: 'fileVersion' }
    /** Whatever other files of the folder say of this step and of later ones does not count any more. */
    | { readonly type: 'start' }
    /** float32, by tag. */
    | { readonly type: 'scalars'; readonly values: Readonly<Record<string, number>> };
}

const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;
const tag = (field: number, type: keyof typeof wire) => (field << 3) | wire[type];

const event = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 } as const;
const summaryValue = 1;
const value = { tag: 1, simpleValue: 2 } as const;
const sessionStatus = 1;
const start = 1;

export function encodeEvent({ wallTime, step = 0, what }: EventMessage): Uint8Array {
  const writer = protobuf.Writer.create();
  writer.uint32(tag(event.wallTime, 'fixed64')).double(wallTime);
  if (step !== 0) writer.uint32(tag(event.step, 'varint')).int64(step);
  switch (what.type) {
    case 'fileVersion':
      writer.uint32(tag(event.fileVersion, 'bytes')).string('brain.Event:2');
      break;
    case 'start':
      writer.uint32(tag(event.sessionLog, 'bytes')).fork();
      writer.uint32(tag(sessionStatus, 'varint')).int32(start).ldelim();
      break;
    case 'scalars':
      writer.uint32(tag(event.summary, 'bytes')).fork();
      for (const [name, scalar] of Object.entries(what.values)) {
        writer.uint32(tag(summaryValue, 'bytes')).fork();
        writer.uint32(tag(value.tag, 'bytes')).string(name);
        writer.uint32(tag(value.simpleValue, 'fixed32')).float(scalar).ldelim();
      }
      writer.ldelim();
  }
  return writer.finish();
}

/** The last step that counts after `events`, in their order: 0 where there is none. What is no event counts nothing. */
export function lastStep(events: Iterable<Uint8Array>): number {
  let last = 0;
  for (const bytes of events) {
    const read = readEvent(bytes);
    if (read?.type === 'scalars') last = Math.max(last, read.step);
    if (read?.type === 'start') last = Math.min(last, read.step - 1);
  }
  return last;
}

/** What an event is, and its step. */
export function readEvent(
  bytes: Uint8Array,
): { readonly type: EventMessage['what']['type']; readonly step: number } | undefined {
  const reader = protobuf.Reader.create(bytes);
  let step = 0;
  let type: EventMessage['what']['type'] | undefined;
  try {
    while (reader.pos < reader.len) {
      const head = reader.uint32();
      if (head === tag(event.step, 'varint')) step = Number(reader.int64());
      else if (head === tag(event.sessionLog, 'bytes')) type = isStart(reader.bytes()) ? 'start' : undefined;
      else {
        if (head === tag(event.summary, 'bytes')) type = 'scalars';
        if (head === tag(event.fileVersion, 'bytes')) type = 'fileVersion';
        reader.skipType(head & 7);
      }
    }
  } catch {
    return undefined;
  }
  return type && { type, step };
}

function isStart(sessionLog: Uint8Array): boolean {
  return sessionLog[0] === tag(sessionStatus, 'varint') && sessionLog[1] === start;
}
