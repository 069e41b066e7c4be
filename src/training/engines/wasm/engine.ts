/**
 * The `wasm` engine: every layer of the step is a few calls of SIMD kernels over one linear memory, where weights,
 * moments and gradients lie for good and the values of a step in places planned before. Threads share the rows of a
 * batch. Only the loss, a few numbers a row, is computed outside: it has one definition for all engines.
 */
import { type ModelPlan, planModel } from '../../../../models/plan.ts';
import { checkWeights } from '../../../../models/weights.ts';
import { fail } from '../../../core/errors.ts';
import { checkBatch } from '../../check-batch.ts';
import type {
  Batch,
  Engine,
  EngineLoad,
  EngineOptions,
  EngineProvider,
  MemoryPart,
  StepAddress,
} from '../../engine.ts';
import { judge } from '../../loss.ts';
import { planMemory } from '../../memory.ts';
import type { OptimiserOptions } from '../../optimisers.ts';
import { adjustGradients, adjustsGradients } from '../../step-options.ts';
import { copyBatch, oneAtATime } from '../in-turn.ts';
import { untilDisposed } from '../until-disposed.ts';
import { gatherCrew, mailboxBytes } from './crew.ts';
import { availableBuilds, type Build, firstFree, loadKernels, notedKernels } from './kernels.ts';
import { layOutParameters } from './parameters.ts';
import { layOutProgram, mostShares, type Program } from './program.ts';
import { mostBytes, pageBytes, pagesOf, reserveMemory } from './reserve-memory.ts';

/** The engine over the fastest build that this machine runs, or over the one that is named. */
export function wasmEngineOf(named?: Build): EngineProvider {
  const build = () => named ?? availableBuilds()[0];
  return {
    name: 'wasm',
    honours: { classWeights: true, l2: true, globalClipNorm: true, clipValue: true },
    refusal: async () => (build() ? undefined : 'this machine has no WebAssembly SIMD'),
    mostThreads: mostShares,
    addressSpace: (load) => ({ bytes: planMemory(plannedMemory(load)).bytes, most: mostBytes }),
    memory: plannedMemory,
    prepare: async (options) => {
      const chosen = build();
      if (!chosen) fail('ENGINE_MISSING', 'engine wasm needs WebAssembly SIMD', 'Use --engine js.');
      return createWasmEngine(options, chosen);
    },
  };
}

export const wasmEngine = wasmEngineOf();

/** What lies in the memory whatever the shape of the batch. */
function layOutFixed(plan: ModelPlan, optimiser: OptimiserOptions, threads: number) {
  const mailbox = mailboxBytes(plan.layers.length);
  return { mailbox, parameters: layOutParameters(plan, optimiser, threads, firstFree + (threads - 1) * mailbox) };
}

/** The plan of `load` without the memory. */
function plannedMemory({ spec, optimiser, threads, rows, time }: EngineLoad): readonly MemoryPart[] {
  const plan = planModel(spec);
  const { parameters } = layOutFixed(plan, optimiser, threads);
  const silent = Array.from({ length: threads }, () => notedKernels(() => {}));
  const { end } = layOutProgram(plan, parameters, silent, { rows, time });
  return [
    { what: 'weights, gradients and moments', bytes: parameters.end },
    { what: `values of a step of ${rows} × ${time} ids`, bytes: pageBytes * pagesOf(end) - parameters.end },
  ];
}

/** Bytes of weights from which the threads share the update as well: below it waking one takes longer. */
const sharedUpdate = 2 ** 18;

async function createWasmEngine(options: EngineOptions, build: Build): Promise<Engine> {
  const { spec, weights, optimiser, threads, stepOptions = {} } = options;
  const plan = planModel(spec);
  const adjusts = adjustsGradients(stepOptions);
  checkWeights(weights, plan.parameters);
  const loaded = await loadKernels(build);
  const { memory } = loaded;
  const { mailbox, parameters } = layOutFixed(plan, optimiser, threads);
  reserveMemory(memory, parameters.end, 'the weights and their moments');
  parameters.writeWeights(memory, weights);
  const crew = await gatherCrew(loaded, threads, firstFree, mailbox);
  const updaters = parameters.bytes < sharedUpdate ? 1 : threads;
  const programs = new Map<string, Program>();
  let current: Program | undefined;
  let updates = 0;

  function programFor({ rows, time }: Batch): Program {
    const key = `${rows} × ${time}`;
    let program = programs.get(key);
    if (!program) {
      program = layOutProgram(plan, parameters, crew.kernels, { rows, time });
      reserveMemory(memory, program.end, `a batch of ${key} ids`);
      programs.set(key, program);
    }
    if (program !== current) for (const share of program.shares) share.enter(memory);
    current = program;
    return program;
  }

  async function forward(batch: Batch, address: StepAddress | undefined) {
    crew.check();
    checkBatch(batch, plan);
    const { shares } = programFor(batch);
    await crew.run(shares.length, (share) => shares[share]?.forward(batch, address));
    const logits = new Float32Array(batch.rows * plan.head.outputs);
    for (const share of shares) share.readLogits(logits);
    const classWeights = address && stepOptions.classWeights;
    return { shares, logits, ...judge(plan.head, logits, batch.targets, classWeights) };
  }

  const inTurn = oneAtATime();

  return untilDisposed({
    name: 'wasm',
    threads,

    step(given, address, learningRate) {
      const batch = copyBatch(given);
      return inTurn(async () => {
        const { shares, loss, correct, probabilities, gradient } = await forward(batch, address);
        for (const share of shares) share.writeGradient(gradient);
        await crew.run(shares.length, (share) => shares[share]?.backward());
        const penalty = adjusts ? adjustGradients(stepOptions, parameters.gather(memory)) : 0;
        updates++;
        await crew.run(updaters, (part) =>
          parameters.update(crew.kernels[part] ?? loaded.kernels, learningRate, updates, part, updaters),
        );
        return { loss: loss + penalty, correct, probabilities };
      });
    },

    evaluate(given) {
      const batch = copyBatch(given);
      return inTurn(async () => {
        const { loss, correct, logits, probabilities } = await forward(batch, undefined);
        return { loss, correct, logits, probabilities };
      });
    },

    state: () =>
      inTurn(async () => {
        crew.check();
        return {
          weights: parameters.readWeights(memory),
          optimiser: { step: updates, moments: parameters.readMoments(memory) },
        };
      }),

    restore: (state) =>
      inTurn(async () => {
        crew.check();
        checkWeights(state.weights, plan.parameters);
        parameters.writeWeights(memory, state.weights);
        parameters.writeMoments(memory, state.optimiser.moments);
        updates = state.optimiser.step;
      }),

    dispose: () =>
      inTurn(async () => {
        programs.clear();
        await crew.dispose();
      }),
  });
}
