/** What is used of jsfive, which brings no types. */
declare module 'jsfive' {
  export interface Group {
    readonly attrs: Readonly<Record<string, unknown>>;
    readonly keys: readonly string[];
    get(path: string): Group | Dataset;
  }
  export class Dataset {
    readonly shape: readonly number[];
    readonly dtype: unknown;
    readonly value: unknown;
  }
  export class File implements Group {
    constructor(bytes: ArrayBuffer, name: string);
    readonly attrs: Readonly<Record<string, unknown>>;
    readonly keys: readonly string[];
    get(path: string): Group | Dataset;
  }
}
