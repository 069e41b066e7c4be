/**
 * The `wasm` engine: every layer of the step is a few calls of SIMD kernels over one linear memory, where weights,
 * gradients and moments lie for good and the values of a step in places planned before. Only the loss, a few numbers
 * a row, is computed outside: it has one definition for all engines.
 */
import { planModel } from '../../../../models/plan.ts';
import { checkWeights } from '../../../../models/weights.ts';
import { fail } from '../../../core/errors.ts';
import { checkBatch } from '../../check-batch.ts';
import type { Batch, Engine, EngineOptions, EngineProvider, StepAddress } from '../../engine.ts';
import { judge } from '../../loss.ts';
import { parameterMemory } from '../../parameter-memory.ts';
import { availableBuilds, type Build, type KernelMemory, loadKernels } from './kernels.ts';
import { batchLoader } from './load-batch.ts';
import { layOutNetwork } from './network.ts';
import { layOutParameters } from './parameters.ts';
import { lanes, type PlannedWorkspace, planWorkspace, type Shape } from './workspace.ts';

/** The engine over the fastest build that this machine runs, or over the one that is named. */
export function wasmEngineOf(named?: Build): EngineProvider {
  const build = () => named ?? availableBuilds()[0];
  return {
    name: 'wasm',
    refusal: async () => (build() ? undefined : 'this machine has no WebAssembly SIMD'),
    mostThreads: () => 1,
    memory: (load) => [parameterMemory(load)],
    prepare: async (options) => {
      const chosen = build();
      if (!chosen) fail('ENGINE_MISSING', 'engine wasm needs WebAssembly SIMD', 'Use --engine js.');
      return createWasmEngine(options, chosen);
    },
  };
}

export const wasmEngine = wasmEngineOf();

/** A model laid out for one shape of batch. */
interface Program {
  readonly workspace: PlannedWorkspace;
  load(batch: Batch): void;
  forward(): void;
  backward(): void;
  /** [rows, outputs] */
  readLogits(): Float32Array;
  /** @param gradient [rows, outputs] */
  writeGradient(gradient: Float32Array): void;
}

async function createWasmEngine({ spec, weights, optimiser }: EngineOptions, build: Build): Promise<Engine> {
  const plan = planModel(spec);
  checkWeights(weights, plan.parameters);
  const { memory, kernels } = await loadKernels(build);
  const parameters = layOutParameters(plan, optimiser);
  reserveMemory(memory, parameters.end, 'the weights and their moments');
  parameters.writeWeights(memory, weights);
  const seen = new Int32Array(plan.vocabularySize).fill(-1);
  const programs = new Map<string, Program>();
  let current: Program | undefined;
  let updates = 0;

  function programFor({ rows, time }: Shape): Program {
    const key = `${rows} × ${time}`;
    const known = programs.get(key) ?? layOut({ rows, time }, key);
    if (known !== current) known.workspace.enter(memory);
    current = known;
    return known;
  }

  function layOut(shape: Shape, key: string): Program {
    const workspace = planWorkspace({
      kernels,
      shape,
      vocabularySize: plan.vocabularySize,
      masks: plan.maskZero,
      begin: parameters.end,
      weight: parameters.weight,
      gradient: parameters.gradient,
    });
    const network = layOutNetwork(workspace, plan);
    // Views of a memory end when it grows, and with them the programs that hold some.
    if (reserveMemory(memory, workspace.end(), `a batch of ${key} ids`)) programs.clear();
    const { outputs } = plan.head;
    const size = outputs * workspace.groups * lanes;
    const logits = new Float32Array(memory.buffer, network.output.value, size);
    const logitGradients = new Float32Array(memory.buffer, network.output.gradient, size);
    const place = (row: number, output: number) => (Math.floor(row / lanes) * outputs + output) * lanes + (row % lanes);
    const program: Program = {
      workspace,
      load: batchLoader(workspace, memory, seen),
      forward: network.forward,
      backward: network.backward,
      readLogits: () =>
        Float32Array.from(
          { length: shape.rows * outputs },
          (_, i) => logits[place(Math.floor(i / outputs), i % outputs)] as number,
        ),
      writeGradient: (gradient) =>
        gradient.forEach((value, i) => {
          logitGradients[place(Math.floor(i / outputs), i % outputs)] = value;
        }),
    };
    programs.set(key, program);
    return program;
  }

  function forward(batch: Batch, address: StepAddress | undefined) {
    checkBatch(batch, plan);
    const program = programFor(batch);
    program.load(batch);
    program.workspace.pass.address = address;
    program.forward();
    const logits = program.readLogits();
    const gradient = new Float32Array(logits.length);
    const { loss, correct, probabilities } = judge(plan.head, logits, batch.targets, gradient);
    return { program, loss, correct, logits, probabilities, gradient };
  }

  return {
    name: 'wasm',
    threads: 1,

    async step(batch, address, learningRate) {
      const { program, loss, correct, gradient } = forward(batch, address);
      parameters.clearGradients(kernels);
      program.workspace.clearGradients();
      program.writeGradient(gradient);
      program.backward();
      updates++;
      parameters.update(kernels, learningRate, updates);
      return { loss, correct };
    },

    async evaluate(batch) {
      const { loss, correct, logits, probabilities } = forward(batch, undefined);
      return { loss, correct, logits, probabilities };
    },

    async state() {
      return {
        weights: parameters.readWeights(memory),
        optimiser: { step: updates, moments: parameters.readMoments(memory) },
      };
    },

    async restore(state) {
      checkWeights(state.weights, plan.parameters);
      parameters.writeWeights(memory, state.weights);
      parameters.writeMoments(memory, state.optimiser.moments);
      updates = state.optimiser.step;
    },

    async dispose() {
      programs.clear();
    },
  };
}

const pageBytes = 65536;
/** What 32-bit addresses reach, less a page, so that no address overflows. */
const mostBytes = pageBytes * 65535;

/** Grows the memory until it has `bytes`. @returns whether it grew @throws OPTION_UNSUPPORTED */
function reserveMemory(memory: KernelMemory, bytes: number, what: string): boolean {
  const missing = Math.ceil((bytes - memory.buffer.byteLength) / pageBytes);
  if (missing <= 0) return false;
  const hint = 'Use a smaller batch size or length, or --engine js.';
  const needed = `${what} needs ${Math.ceil(bytes / 2 ** 20)} MiB`;
  if (bytes > mostBytes) fail('OPTION_UNSUPPORTED', `${needed}, engine wasm has 4095 MiB at most`, hint);
  try {
    memory.grow(missing);
  } catch (error) {
    fail('OPTION_UNSUPPORTED', `${needed}, which this machine does not give`, hint, error);
  }
  return true;
}
