/** Arrays that all threads see and that grow when a batch needs more. */

const kinds = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;
interface Arrays {
  readonly float32: Float32Array;
  readonly int32: Int32Array;
  readonly bool: Uint8Array;
}
type Kind = keyof Arrays;
type ArrayOf<K extends Kind> = Arrays[K];

export function sharedArray<K extends Kind>(kind: K, length: number): ArrayOf<K> {
  const of = kinds[kind];
  const memory = new SharedArrayBuffer(length * of.BYTES_PER_ELEMENT);
  return Reflect.construct(of, [memory]) as ArrayOf<K>;
}

/** Gives an array of the length asked for, whose values are what the last one left there. */
export type Growing<K extends Kind> = (length: number) => ArrayOf<K>;

export function growing<K extends Kind>(kind: K): Growing<K> {
  let held = sharedArray(kind, 0);
  return (length) => {
    if (held.length < length) held = sharedArray(kind, length);
    return held.subarray(0, length) as ArrayOf<K>;
  };
}
