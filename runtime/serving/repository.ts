/**
 * The models that a server has. A version is replaced as a whole: the new file is opened and warmed up while the old
 * one goes on serving, and a file that cannot be opened leaves the old one where it is.
 */
import { fail, RecurrentError } from '../../src/core/errors.ts';
import { type ModelFile, type ServedModel, signatureOf } from './served-model.ts';

export type ModelState = 'READY' | 'LOADING' | 'UNAVAILABLE';

/** A line of the protocol's repository index. */
export interface IndexEntry {
  readonly name: string;
  readonly version: string;
  readonly state: ModelState;
  /** Why it is not ready, or why its newest file is not the one that is served. */
  readonly reason: string;
}

export interface Repository {
  /** The given version, else the highest that is ready. @throws MODEL_UNKNOWN, NOT_READY */
  get(name: string, version?: string): ServedModel;
  /** All models that are ready. */
  readonly models: readonly ServedModel[];
  /** Ascending versions of a model that are ready. */
  versionsOf(name: string): readonly number[];
  /**
   * Whether all that was there at the start has been loaded. A model stays from then on: a file that is added or written
   * anew and cannot be opened takes nothing away, and must not take the server out of a load balancer.
   */
  readonly ready: boolean;
  index(): readonly IndexEntry[];
  /** Looks at the source, and opens all that is there. @throws what opening throws, once all were tried */
  loadAll(): Promise<void>;
  /**
   * Looks at the source, opens what is new or was changed, and drops what is gone. Where a file cannot be opened `onEvent`
   * is told, where the source cannot be looked at `onBlind`.
   */
  refresh(): Promise<void>;
  /** Opens a model's versions anew. @throws MODEL_UNKNOWN and what opening throws */
  load(name: string): Promise<void>;
  /** @throws MODEL_UNKNOWN */
  unload(name: string): Promise<void>;
  dispose(): Promise<void>;
}

export interface RepositoryEvent {
  readonly event: 'loaded' | 'unloaded' | 'failed';
  readonly name: string;
  readonly version: number;
  /** That was loaded. */
  readonly model?: ServedModel;
  readonly error?: unknown;
}

interface Entry {
  file: ModelFile;
  signature: string | undefined;
  state: ModelState;
  reason: string;
  model: ServedModel | undefined;
}

export interface RepositoryOptions {
  readonly find: () => Promise<readonly ModelFile[]>;
  readonly open: (file: ModelFile) => Promise<ServedModel>;
  readonly onEvent: (event: RepositoryEvent) => void;
  /** Called once for each fault that lasts: what is open goes on. */
  readonly onBlind: (error: unknown) => void;
}

export function createRepository({ find, open, onEvent, onBlind }: RepositoryOptions): Repository {
  const entries = new Map<string, Map<number, Entry>>();
  /** Taken out by a client: they stay so until they are loaded again. */
  const unloaded = new Set<string>();
  /** Models that were replaced and still answer what they were asked. */
  const retiring = new Set<Promise<void>>();
  let started = false;
  /** Why the source could not be looked at the last time. */
  let blindness: string | undefined;
  /** One change at a time. */
  let work: Promise<unknown> = Promise.resolve();

  function inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = work.then(change);
    work = result.catch(() => {});
    return result;
  }

  const all = () => [...entries.values()].flatMap((versions) => [...versions.values()]);

  function entryOf(file: ModelFile): Entry {
    const versions = entries.get(file.name) ?? new Map<number, Entry>();
    entries.set(file.name, versions);
    const entry = versions.get(file.version) ?? {
      file,
      signature: undefined,
      state: 'LOADING',
      reason: '',
      model: undefined,
    };
    versions.set(file.version, entry);
    return entry;
  }

  function retire(model: ServedModel | undefined): void {
    if (!model) return;
    const end = model.dispose().finally(() => retiring.delete(end));
    retiring.add(end);
  }

  async function openFile(file: ModelFile): Promise<void> {
    const entry = entryOf(file);
    const { name, version } = file;
    if (!entry.model) entry.state = 'LOADING';
    try {
      entry.signature = await signatureOf(file.path);
      const model = await open(file);
      retire(entry.model);
      Object.assign(entry, { file, model, state: 'READY', reason: '' } satisfies Partial<Entry>);
      onEvent({ event: 'loaded', name, version, model });
    } catch (error) {
      entry.state = entry.model ? 'READY' : 'UNAVAILABLE';
      entry.reason = (error as Error).message;
      onEvent({ event: 'failed', name, version, error });
      throw error;
    }
  }

  function drop(entry: Entry, reason: string): void {
    if (entry.model) onEvent({ event: 'unloaded', name: entry.file.name, version: entry.file.version });
    retire(entry.model);
    Object.assign(entry, {
      model: undefined,
      signature: undefined,
      state: 'UNAVAILABLE',
      reason,
    } satisfies Partial<Entry>);
  }

  /** Opens all of them, and throws the first fault at the end. */
  async function openEach(files: readonly ModelFile[]): Promise<void> {
    const faults: unknown[] = [];
    for (const file of files) entryOf(file); // those that wait for their turn are being loaded, not unknown
    for (const file of files) await openFile(file).catch((error) => faults.push(error));
    if (faults.length > 0) throw faults[0];
  }

  /** What is new or was changed. */
  async function look(): Promise<ModelFile[]> {
    const files = (await find()).filter(({ name }) => !unloaded.has(name));
    const present = new Set(files.map(({ name, version }) => `${name}/${version}`));
    for (const entry of all()) {
      const { name, version } = entry.file;
      if (!present.has(`${name}/${version}`) && !unloaded.has(name)) {
        drop(entry, 'its file is gone');
        entries.get(name)?.delete(version);
        if (entries.get(name)?.size === 0) entries.delete(name);
      }
    }
    const changed: ModelFile[] = [];
    for (const file of files) {
      const known = entries.get(file.name)?.get(file.version)?.signature;
      if (known !== (await signatureOf(file.path))) changed.push(file);
    }
    return changed;
  }

  async function refreshOnce(): Promise<void> {
    const changed = await look().catch((error: Error) => {
      if (error.message !== blindness) onBlind(error);
      blindness = error.message;
    });
    if (!changed) return;
    blindness = undefined;
    await openEach(changed).catch(() => {}); // told one by one
  }

  return {
    get(name, version) {
      const versions = entries.get(name);
      if (!versions) return fail('MODEL_UNKNOWN', `there is no model ${name}`, 'GET / lists the models on its page.');
      if (version !== undefined) {
        const entry = versions.get(Number(version));
        if (entry && String(entry.file.version) === version) return entry.model ?? notReady(entry);
        return fail(
          'MODEL_UNKNOWN',
          `model ${name} has no version ${version}`,
          `It has ${[...versions.keys()].join(', ')}.`,
        );
      }
      const newestFirst = [...versions.values()].toSorted((a, b) => b.file.version - a.file.version);
      return newestFirst.find(({ model }) => model)?.model ?? notReady(newestFirst[0] as Entry);
    },
    get models() {
      return all().flatMap(({ model }) => model ?? []);
    },
    versionsOf: (name) =>
      [...(entries.get(name)?.values() ?? [])].flatMap(({ model }) => model?.version ?? []).toSorted((a, b) => a - b),
    get ready() {
      return started;
    },
    index: () =>
      all().map(({ file, state, reason }) => ({ name: file.name, version: String(file.version), state, reason })),
    loadAll: () =>
      inTurn(async () => {
        await openEach(await find());
        started = true;
      }),
    refresh: () => inTurn(refreshOnce),
    load: (name) =>
      inTurn(async () => {
        const files = (await find()).filter((file) => file.name === name);
        if (files.length === 0) fail('MODEL_UNKNOWN', `there is no model ${name}`, 'Put its file into the repository.');
        unloaded.delete(name);
        await openEach(files);
      }),
    unload: (name) =>
      inTurn(async () => {
        const versions = entries.get(name);
        if (!versions) return fail('MODEL_UNKNOWN', `there is no model ${name}`, 'See the repository index.');
        unloaded.add(name);
        for (const entry of versions.values()) drop(entry, 'unloaded');
      }),
    dispose: () =>
      inTurn(async () => {
        for (const entry of all()) retire(entry.model);
        await Promise.allSettled(retiring);
      }),
  };
}

function notReady({ file, state, reason }: Entry): never {
  throw new RecurrentError(
    'NOT_READY',
    `model ${file.name}, version ${file.version}, is ${state === 'LOADING' ? 'being loaded' : `not available: ${reason}`}`,
    'Try again later.',
  );
}
