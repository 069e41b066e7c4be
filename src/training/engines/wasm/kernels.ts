/**
 * The kernels, instantiated over one memory. Their sources are in assembly/; both builds are embedded in a TypeScript
 * module, as base64, so that every bundler, test runner and worker finds them without a path or a loader.
 */
import { type Activation, activations } from '../../../../models/activations.ts';
import { kernelNames, modules } from './modules.ts';

/** Byte offset in the memory of the kernels. */
export type Address = number;

/** The first address that is free: the kernels keep their constants before it, and address 0 means "none". */
export const firstFree: Address = 4096;

/** Number of an activation: its place in `models/activations.ts`. */
export type ActivationCode = number;

export function activationCode(activation: Activation): ActivationCode {
  return activations.indexOf(activation);
}

type Walk = (record: Address) => void;

/** What assembly/index.ts exports; there is what each does. Counts are in values, sizes named bytes in bytes. */
export interface Kernels {
  activateRange(activation: ActivationCode, to: Address, from: Address, bytes: number): void;
  activationGradient(activation: ActivationCode, dx: Address, y: Address, dy: Address, bytes: number): void;
  adam(
    weights: Address,
    gradients: Address,
    shares: number,
    stride: number,
    means: Address,
    variances: Address,
    bytes: number,
    rate: number,
    beta1Rest: number,
    beta2Rest: number,
    epsilon: number,
  ): void;
  addColumnSums(gradient: Address, b: Address, columns: number, positions: number): void;
  addMultiplied(out: Address, a: Address, b: Address, period: number, bytes: number): void;
  addOuter(
    gradient: Address,
    a: Address,
    b: Address,
    inner: number,
    columns: number,
    positions: number,
    bColumns: number,
    gradientColumns: number,
    scratch: Address,
  ): void;
  addProducts(out: Address, input: Address, packed: Address, inner: number, columns: number, groups: number): void;
  addVector(to: Address, from: Address, count: number): void;
  averageBackward(
    inputGradient: Address,
    outputGradient: Address,
    mask: Address,
    share: Address,
    features: number,
    time: number,
    groups: number,
  ): void;
  averageForward(
    out: Address,
    input: Address,
    mask: Address,
    share: Address,
    features: number,
    time: number,
    groups: number,
  ): void;
  broadcast(out: Address, vector: Address, columns: number, groups: number): void;
  copyStrided(to: Address, toStride: number, from: Address, fromStride: number, bytes: number, count: number): void;
  dropoutMask(
    out: Address,
    count: number,
    first: number,
    rate: number,
    kept: number,
    c1: number,
    c2: number,
    c3: number,
    key0: number,
    key1: number,
  ): void;
  fill(to: Address, value: number, bytes: number): void;
  gather(
    out: Address,
    table: Address,
    index: Address,
    scale: Address,
    bias: Address,
    columns: number,
    groups: number,
  ): void;
  gruResetAfterBackward: Walk;
  gruResetAfterForward: Walk;
  gruResetBeforeBackward: Walk;
  gruResetBeforeForward: Walk;
  lstmBackward: Walk;
  lstmForward: Walk;
  maxBackward(
    inputGradient: Address,
    outputGradient: Address,
    chosen: Address,
    features: number,
    time: number,
    groups: number,
  ): void;
  maxForward(
    out: Address,
    chosen: Address,
    input: Address,
    mask: Address,
    features: number,
    time: number,
    groups: number,
  ): void;
  momentumSgd(
    weights: Address,
    gradients: Address,
    shares: number,
    stride: number,
    velocities: Address,
    bytes: number,
    rate: number,
    momentum: number,
    nesterov: number,
  ): void;
  multiply(out: Address, a: Address, b: Address, period: number, bytes: number): void;
  oneHotRows(out: Address, ids: Address, depth: number, groups: number): void;
  pack(
    packed: Address,
    matrix: Address,
    inner: number,
    columns: number,
    innerStride: number,
    columnStride: number,
  ): void;
  pickScales(
    out: Address,
    mask: Address,
    ids: Address,
    rows: Address,
    depth: number,
    positions: number,
    padded: number,
  ): void;
  placeIds(
    given: Address,
    seen: Address,
    ids: Address,
    uniqueIds: Address,
    uniqueOf: Address,
    mask: Address,
    rows: number,
    time: number,
    padded: number,
  ): number;
  reverse(to: Address, from: Address, slot: number, time: number): void;
  rmsprop(
    weights: Address,
    gradients: Address,
    shares: number,
    stride: number,
    variances: Address,
    bytes: number,
    rate: number,
    rhoRest: number,
    epsilon: number,
  ): void;
  scale(out: Address, a: Address, factor: number, bytes: number): void;
  scaledSum(out: Address, a: Address, b: Address, factor: number, bytes: number): void;
  scatterAdd(table: Address, input: Address, index: Address, scale: Address, columns: number, groups: number): void;
  sgd(weights: Address, gradients: Address, shares: number, stride: number, bytes: number, rate: number): void;
  shares(share: Address, mask: Address, time: number, groups: number): void;
  simpleRnnBackward: Walk;
  simpleRnnForward: Walk;
  softmaxBackward(dx: Address, y: Address, dy: Address, features: number, groups: number): void;
  softmaxForward(out: Address, input: Address, features: number, groups: number): void;
}

/** Most arguments of a kernel. */
export const mostArguments = 11;

/** Kernels that do not compute: each hands its number in `kernelNames` and its arguments to `note`. */
export function notedKernels(note: (kernel: number, values: readonly number[]) => void): Kernels {
  const noted = Object.fromEntries(
    kernelNames.map((name, kernel) => [name, (...values: number[]) => note(kernel, values)]),
  );
  return noted satisfies Record<string, (...values: number[]) => void> as unknown as Kernels;
}

/** What is used of the WebAssembly interface: its types come with those of browsers only. */
export interface KernelMemory {
  /** Shared by the threads. Views of it stay what they are when it grows: they do not see what came after them. */
  readonly buffer: SharedArrayBuffer;
  /** By pages of 64 KiB. @throws RangeError */
  grow(pages: number): number;
}

declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean;
  compile(bytes: Uint8Array): Promise<unknown>;
  instantiate(module: unknown, imports: object): Promise<{ readonly exports: unknown }>;
  readonly Module: new (bytes: Uint8Array) => unknown;
  readonly Instance: new (module: unknown, imports: object) => { readonly exports: unknown };
  readonly Memory: new (size: {
    readonly initial: number;
    readonly maximum: number;
    readonly shared: true;
  }) => KernelMemory;
};

export type Build = keyof typeof modules;

/** The builds that this machine can run, the faster one first. Relaxed SIMD came after plain SIMD, which every supported Node has. */
export function availableBuilds(): readonly Build[] {
  if (typeof WebAssembly === 'undefined') return []; // node --jitless
  return (['relaxed', 'plain'] as const).filter((build) => WebAssembly.validate(bytesOf(build)));
}

export interface LoadedKernels {
  readonly build: Build;
  /** Compiled: what a thread instantiates over the same memory. */
  readonly module: unknown;
  readonly memory: KernelMemory;
  readonly kernels: Kernels;
}

const compiled = new Map<Build, Promise<unknown>>();

/** Kernels over a memory of their own, of one page yet. */
export async function loadKernels(build: Build): Promise<LoadedKernels> {
  const compiling = compiled.get(build) ?? WebAssembly.compile(bytesOf(build));
  compiled.set(build, compiling);
  const module = await compiling;
  const memory = createMemory();
  return { build, module, memory, kernels: await instantiateKernels(module, memory) };
}

const compiledAtOnce = new Map<Build, unknown>();

/** The same at once, for callers that cannot wait: compiling takes some milliseconds. */
export function loadKernelsAtOnce(build: Build): Pick<LoadedKernels, 'memory' | 'kernels'> {
  const module = compiledAtOnce.get(build) ?? new WebAssembly.Module(bytesOf(build));
  compiledAtOnce.set(build, module);
  const memory = createMemory();
  return { memory, kernels: new WebAssembly.Instance(module, { env: { memory } }).exports as Kernels };
}

function createMemory(): KernelMemory {
  return new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
}

/** Compiled kernels over a memory. Uses nothing but its parameters and what is global. */
export async function instantiateKernels(module: unknown, memory: KernelMemory): Promise<Kernels> {
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  return exports as Kernels;
}

function bytesOf(build: Build): Uint8Array {
  return Buffer.from(modules[build].base64, 'base64');
}
