/**
 * The training step as an ONNX graph on onnxruntime. A batch is split by rows over worker threads, each with a session
 * of one thread: its many small products would lose more by synchronising at every step than they gain, and
 * ScatterND's add is right in one thread only. Gradients are added up in the order of the shares, so that results
 * repeat bit for bit for a number of threads.
 */
import { encodeOnnx } from '../../../../exporters/onnx/encode.ts';
import type { ModelSpec } from '../../../../models/layers.ts';
import { planModel } from '../../../../models/plan.ts';
import { checkWeights, type Tensor } from '../../../../models/weights.ts';
import { locateOrt } from '../../../../runtime/onnx/ort.ts';
import type { ProviderName } from '../../../../runtime/onnx/providers.ts';
import { keepFloat32, openSession } from '../../../../runtime/onnx/session.ts';
import { RecurrentError } from '../../../core/errors.ts';
import { checkBatch } from '../../check-batch.ts';
import type {
  Batch,
  Engine,
  EngineName,
  EngineOptions,
  EngineProvider,
  EngineState,
  StepAddress,
} from '../../engine.ts';
import { judge } from '../../loss.ts';
import { momentNames, ratesOf, type StepRates } from '../../optimisers.ts';
import { adjustGradients, adjustsGradients } from '../../step-options.ts';
import { copyBatch, oneAtATime } from '../in-turn.ts';
import { untilDisposed } from '../until-disposed.ts';
import { availableBuilds } from '../wasm/kernels.ts';
import { mostBytes } from '../wasm/reserve-memory.ts';
import { denseGradients } from './dense-gradients.ts';
import { createDraw, createFeeder, type Fed } from './feeds.ts';
import { type StepGraph, stepGraph } from './graph/step-graph.ts';
import { engineMemory, parameterSpace } from './memory.ts';
import { layOut, linesOf, type ParameterLayout, read, wholeLines, write } from './parameter-layout.ts';
import { type ParameterPlaces, pieceLength, reserveParameters } from './parameter-memory.ts';
import type { RunRequest, UpdateRequest } from './step-worker.ts';
import { startWorkers } from './workers.ts';

export const onnxruntimeEngine: EngineProvider = {
  name: 'onnxruntime',
  honours: { classWeights: true, l2: true, globalClipNorm: true, clipValue: true },
  refusal: async () => {
    if (availableBuilds().length === 0) return 'its weights lie in a memory of WebAssembly, and there is none here';
    try {
      locateOrt();
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  },
  mostThreads: (rows) => rows,
  memory: engineMemory,
  addressSpace: (load) => ({ bytes: parameterSpace(load), most: mostBytes }),
  prepare: (options) => createOnnxruntimeEngine('onnxruntime', options, ['cpu']),
};

/**
 * The same on the first CUDA device, where one thread is enough: taken by name, or where `fastest` finds it so. CUDA adds
 * up gradients in any order, so results do not repeat bit for bit.
 */
export const onnxruntimeCudaEngine: EngineProvider = {
  ...onnxruntimeEngine,
  name: 'onnxruntime-cuda',
  refusal: async (spec) => (await onnxruntimeEngine.refusal(spec)) ?? refuseCudaFor(spec),
  mostThreads: () => 1,
  prepare: (options) => {
    keepFloat32();
    return createOnnxruntimeEngine('onnxruntime-cuda', options, ['cuda', 'cpu']);
  },
};

/** Why the evaluation step of `spec` does not open on CUDA. */
async function refuseCudaFor(spec: ModelSpec): Promise<string | undefined> {
  try {
    const graph = encodeOnnx(stepGraph(planModel(spec), 'evaluation').model);
    await (await openSession(graph, { providers: ['cuda', 'cpu'] })).release();
    return undefined;
  } catch (error) {
    if (!(error instanceof RecurrentError)) throw error;
    return `${error.message}; recurrent doctor says what is missing, recurrent setup gpu brings it`;
  }
}

async function createOnnxruntimeEngine(
  name: EngineName,
  options: EngineOptions,
  providers: readonly ProviderName[],
): Promise<Engine> {
  const { spec, weights: initial, optimiser, threads, stepOptions = {} } = options;
  const { classWeights } = stepOptions;
  const plan = planModel(spec);
  checkWeights(initial, plan.parameters);
  const ort = locateOrt();
  const graphs = {
    training: stepGraph(plan, 'training', classWeights !== undefined),
    evaluation: stepGraph(plan, 'evaluation'),
  };
  const layout = layOut(plan, graphs.training.byRow);
  const kinds = momentNames(optimiser);
  const parameters = await reserveParameters(layout, kinds.length, threads);
  const { weights, moments, gradients, module, memory } = parameters;
  write(layout, weights, (name) => (initial.get(name) as Tensor).data);
  let updates = 0;

  const workers = await startWorkers(threads, {
    ort,
    providers,
    models: { training: encodeOnnx(graphs.training.model), evaluation: encodeOnnx(graphs.evaluation.model) },
    optimiser,
    module,
    memory,
    pieceLength,
  });
  const feeders = gradients.map((gradient) => createFeeder(plan, layout, weights, gradient, classWeights));
  const dense = adjustsGradients(stepOptions) ? denseGradients(plan, parameters, layout) : undefined;

  /** Runs a batch through a graph, share by share. @returns the logits, [rows, outputs], and what updates need */
  async function run(graph: StepGraph, model: RunRequest['model'], batch: Batch, address?: StepAddress) {
    checkBatch(batch, plan);
    const { rows } = batch;
    const shares = Math.min(threads, rows);
    const draw = address && createDraw(batch, address);
    const fed = feeders.slice(0, shares).map((feed, k) => {
      const from = Math.floor((k * rows) / shares);
      const to = Math.floor(((k + 1) * rows) / shares);
      return feed({ graph, model, batch, from, to, draw });
    });
    await workers.ask(fed.map(({ request }) => request));
    const logits = new Float32Array(rows * plan.head.outputs);
    for (const { from, logits: own } of fed) logits.set(own, from * plan.head.outputs);
    return { logits, fed };
  }

  const inTurn = oneAtATime();

  return untilDisposed({
    name,
    threads,

    step(given, address, learningRate) {
      const batch = copyBatch(given);
      return inTurn(async () => {
        const { logits, fed } = await run(graphs.training, 'training', batch, address);
        updates++;
        const rates = ratesOf(optimiser, learningRate, updates);
        const penalty = dense ? adjustGradients(stepOptions, dense.gather(fed)) : 0;
        const updated = workers.ask(updateRequests(layout, parameters.places, dense ? [dense] : fed, rates));
        const { loss, correct, probabilities } = judge(plan.head, logits, batch.targets, classWeights);
        await updated;
        return { loss: loss + penalty, correct, probabilities };
      });
    },

    evaluate(given) {
      const batch = copyBatch(given);
      return inTurn(async () => {
        const { logits } = await run(graphs.evaluation, 'evaluation', batch);
        const { loss, correct, probabilities } = judge(plan.head, logits, batch.targets);
        return { loss, correct, logits, probabilities };
      });
    },

    state: () =>
      inTurn(async () => {
        workers.check();
        const ofKind = (k: number) =>
          new Map([...read(layout, moments[k] as Float32Array, plan)].map(([name, { data }]) => [name, data]));
        return {
          weights: read(layout, weights, plan),
          optimiser: { step: updates, moments: new Map(kinds.map((kind, k) => [kind, ofKind(k)])) },
        };
      }),

    restore: (state: EngineState) =>
      inTurn(async () => {
        workers.check();
        checkWeights(state.weights, plan.parameters);
        write(layout, weights, (name) => (state.weights.get(name) as Tensor).data);
        kinds.forEach((kind, k) => {
          const byName = state.optimiser.moments.get(kind);
          write(layout, moments[k] as Float32Array, (name) => byName?.get(name) as Float32Array);
        });
        updates = state.optimiser.step;
      }),

    dispose: () => inTurn(workers.dispose),
  });
}

/** What each worker does of an update: a range of all weights, and of each kind of moment. */
function updateRequests(
  { wholeLength, tables }: ParameterLayout,
  places: ParameterPlaces,
  fed: readonly Pick<Fed, 'placeOf' | 'rowGradients'>[],
  rates: StepRates,
): readonly UpdateRequest[] {
  const { pieces, stride } = places;
  const at = (values: number) => ({
    weights: places.weights + 4 * values,
    moments: places.moments.map((moment) => moment + 4 * values),
  });
  return pieces.map((piece, worker) => {
    const { from, to } = linesOf(wholeLength, worker, pieces.length);
    return {
      kind: 'update',
      rates,
      whole: {
        ...at(from),
        gradients: places.gradients + 4 * from,
        shares: fed.length,
        stride,
        bytes: 4 * (to - from),
      },
      tables: tables.map(({ offset, shape, length }, table) => ({
        ...at(offset),
        ...linesOf(wholeLines(length), worker, pieces.length),
        width: length / (shape[0] as number),
        gradients: fed.map(({ placeOf, rowGradients }) => ({ placeOf, rows: rowGradients[table] as Float32Array })),
      })),
      piece,
    };
  });
}
