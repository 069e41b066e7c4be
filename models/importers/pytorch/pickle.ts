/**
 * The part of Python's pickle (https://docs.python.org/3/library/pickletools.html) that a state_dict needs: dictionaries, numbers,
 * strings, and the functions of PyTorch that put a tensor together. Nothing is ever called by name: a pickle that asks for
 * anything else is refused, which is why reading a file of a stranger is safe here.
 */

/** A tensor as the pickle describes it: a window on a storage. */
export interface PickledTensor {
  readonly kind: 'tensor';
  readonly storage: PickledStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** The numbers of a file in the archive. */
export interface PickledStorage {
  readonly kind: 'storage';
  /** Such as `FloatStorage`. */
  readonly type: string;
  /** Name of the file under `data/`. */
  readonly key: string;
}

interface Global {
  readonly kind: 'global';
  readonly name: string;
}

const mark = Symbol('mark');

/** Longer ones do not belong to a model. */
const stringLimit = 1_000_000;

/** @param refuse throws the error of the file */
export function readPickle(bytes: Uint8Array, refuse: (what: string) => never): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const memo = new Map<number, unknown>();
  const stack: unknown[] = [];
  let at = 0;

  const pop = () => (stack.length > 0 ? stack.pop() : refuse('takes more from its stack than there is'));
  function popToMark(): unknown[] {
    const from = stack.lastIndexOf(mark);
    if (from < 0) return refuse('has no mark where one is needed');
    const items = stack.splice(from);
    return items.slice(1);
  }
  function take(length: number): number {
    const start = at;
    at += length;
    if (length < 0 || at > bytes.length) return refuse('is cut short');
    return start;
  }
  function text(length: number): string {
    if (length > stringLimit) return refuse(`has a string of ${length} bytes`);
    const start = take(length);
    return new TextDecoder().decode(bytes.subarray(start, at));
  }
  function line(): string {
    const end = bytes.indexOf(10, at);
    if (end < 0) return refuse('is cut short');
    const value = text(end - at);
    at++;
    return value;
  }
  const global = (module: string, name: string): Global => ({ kind: 'global', name: `${module}.${name}` });
  function setItems(pairs: readonly unknown[]): void {
    const target = stack.at(-1);
    if (!(target instanceof Map)) refuse('sets items of what is no dictionary');
    else for (let index = 0; index + 1 < pairs.length; index += 2) target.set(pairs[index], pairs[index + 1]);
  }
  function append(items: readonly unknown[]): void {
    const target = stack.at(-1);
    if (!Array.isArray(target)) refuse('appends to what is no list');
    else for (const item of items) target.push(item);
  }

  for (;;) {
    const opcode = String.fromCharCode(bytes[take(1)] as number);
    switch (opcode) {
      case '\x80': // PROTO
        take(1);
        break;
      case '\x95': // FRAME
        take(8);
        break;
      case '(':
        stack.push(mark);
        break;
      case '}':
        stack.push(new Map());
        break;
      case ']':
        stack.push([]);
        break;
      case ')':
        stack.push([]);
        break;
      case 'N':
        stack.push(null);
        break;
      case '\x88':
        stack.push(true);
        break;
      case '\x89':
        stack.push(false);
        break;
      case 'K':
        stack.push(view.getUint8(take(1)));
        break;
      case 'M':
        stack.push(view.getUint16(take(2), true));
        break;
      case 'J':
        stack.push(view.getInt32(take(4), true));
        break;
      case '\x8a':
        stack.push(readLong(bytes, take, refuse));
        break;
      case 'G':
        stack.push(view.getFloat64(take(8)));
        break;
      case 'X':
        stack.push(text(view.getUint32(take(4), true)));
        break;
      case '\x8c':
        stack.push(text(view.getUint8(take(1))));
        break;
      case 'c':
        stack.push(global(line(), line()));
        break;
      case '\x93': {
        const name = pop();
        stack.push(global(String(pop()), String(name)));
        break;
      }
      case 'q':
        memo.set(view.getUint8(take(1)), stack.at(-1));
        break;
      case 'r':
        memo.set(view.getUint32(take(4), true), stack.at(-1));
        break;
      case '\x94':
        memo.set(memo.size, stack.at(-1));
        break;
      case 'h':
        stack.push(recall(memo, view.getUint8(take(1)), refuse));
        break;
      case 'j':
        stack.push(recall(memo, view.getUint32(take(4), true), refuse));
        break;
      case 't':
        stack.push(popToMark());
        break;
      case '\x85':
        stack.push([pop()]);
        break;
      case '\x86':
        stack.push([pop(), pop()].reverse());
        break;
      case '\x87':
        stack.push([pop(), pop(), pop()].reverse());
        break;
      case 'Q':
        stack.push(storageOf(pop(), refuse));
        break;
      case '\x81': // NEWOBJ
      case 'R': {
        const given = pop();
        stack.push(call(pop(), given, refuse));
        break;
      }
      case 'b': // what a dictionary has besides its items, such as the versions of modules
        pop();
        break;
      case 's': {
        const value = pop();
        setItems([pop(), value]);
        break;
      }
      case 'u':
        setItems(popToMark());
        break;
      case 'a':
        append([pop()]);
        break;
      case 'e':
        append(popToMark());
        break;
      case '.':
        return pop();
      default:
        return refuse(`has the operation ${JSON.stringify(opcode)}, which no state_dict needs`);
    }
  }
}

function recall(memo: ReadonlyMap<number, unknown>, index: number, refuse: (what: string) => never): unknown {
  return memo.has(index) ? memo.get(index) : refuse(`recalls what it never kept (${index})`);
}

/** LONG1: little-endian two's complement. */
function readLong(bytes: Uint8Array, take: (length: number) => number, refuse: (what: string) => never): number {
  const length = bytes[take(1)] as number;
  if (length > 8) return refuse(`has a number of ${length} bytes`);
  const start = take(length);
  let value = 0n;
  for (let index = 0; index < length; index++) value |= BigInt(bytes[start + index] as number) << BigInt(8 * index);
  return Number(BigInt.asIntN(8 * length, value));
}

/** `('storage', torch.FloatStorage, '0', 'cpu', 21)` */
function storageOf(id: unknown, refuse: (what: string) => never): PickledStorage {
  const [what, type, key] = Array.isArray(id) ? id : [];
  const name = isGlobal(type) ? /^torch\.(\w+Storage)$/.exec(type.name)?.[1] : undefined;
  if (what !== 'storage' || name === undefined || typeof key !== 'string')
    return refuse('has a storage of an unknown form');
  return { kind: 'storage', type: name, key };
}

/** The few functions that a state_dict calls. */
function call(callee: unknown, given: unknown, refuse: (what: string) => never): unknown {
  const name = isGlobal(callee) ? callee.name : '';
  if (!Array.isArray(given)) return refuse('calls without arguments');
  switch (name) {
    case 'collections.OrderedDict':
      return new Map();
    case 'torch._utils._rebuild_tensor_v2': {
      const [storage, offset, shape, strides] = given;
      if (
        !isStorage(storage) ||
        !isCount(offset) ||
        !isCounts(shape) ||
        !isCounts(strides) ||
        shape.length !== strides.length
      ) {
        return refuse('has a tensor of an unknown form');
      }
      return { kind: 'tensor', storage, offset, shape, strides } satisfies PickledTensor;
    }
    case 'torch._utils._rebuild_parameter':
      return given[0];
    default:
      return refuse(`holds Python objects (${name || 'an unknown one'}), not a state_dict alone`);
  }
}

function isGlobal(value: unknown): value is Global {
  return typeof value === 'object' && value !== null && (value as Global).kind === 'global';
}

function isStorage(value: unknown): value is PickledStorage {
  return typeof value === 'object' && value !== null && (value as PickledStorage).kind === 'storage';
}

export function isTensor(value: unknown): value is PickledTensor {
  return typeof value === 'object' && value !== null && (value as PickledTensor).kind === 'tensor';
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isCounts = (value: unknown): value is number[] => Array.isArray(value) && value.every(isCount);
