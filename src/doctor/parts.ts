/**
 * The parts that are tried by running them. Each is tried in a process of its own (`diagnose`): a native library that
 * crashes or hangs must not take the others with it.
 */
import { loadOrt, ortVersion } from '../../runtime/onnx/ort.ts';
import { type ProviderName, whyNoCuda } from '../../runtime/onnx/providers.ts';
import { loadClassifier } from '../../runtime/predict/classifier.ts';
import { RecurrentError } from '../core/errors.ts';
import { formatCountOf, formatSmall } from '../core/format-numbers.ts';
import type { ParityReport } from '../parity/report.ts';
import type { Runner } from '../parity/runner.ts';
import { runners } from '../parity/runners.ts';
import { createSession } from '../parity/session.ts';
import { type EngineName, engineNames } from '../training/engine.ts';
import { candidatesOf } from '../training/engines/select.ts';
import { loadNativeTensorflow, loadTensorflow } from '../training/engines/tensorflow/backend.ts';
import { type Finding, finding, type Group } from './finding.ts';
import { compare, load, practise, untrained } from './self-test.ts';

export const partNames = [...engineNames, 'cpu', 'cuda', 'tfjs'] as const;
export type PartName = (typeof partNames)[number];

interface Part {
  readonly group: Group;
  /** @throws whatever the part throws: it is broken then */
  readonly attempt: () => Promise<Finding>;
}

export const parts = {
  js: { group: 'training', attempt: () => tryEngine('js') },
  wasm: { group: 'training', attempt: () => tryEngine('wasm') },
  onnxruntime: { group: 'training', attempt: () => tryEngine('onnxruntime') },
  'onnxruntime-cuda': { group: 'training', attempt: tryOnnxruntimeCuda },
  tensorflow: { group: 'training', attempt: tryTensorflow },
  cpu: { group: 'inference', attempt: () => tryProvider('cpu') },
  cuda: { group: 'inference', attempt: () => tryProvider('cuda') },
  tfjs: { group: 'inference', attempt: tryTensorflowJs },
} as const satisfies Record<PartName, Part>;

/** Tries one part in this process. */
export async function tryPart(name: PartName): Promise<Finding> {
  try {
    return await parts[name].attempt();
  } catch (error) {
    if (error instanceof RecurrentError) return finding(name, 'broken', error.message, { fix: error.hint });
    return finding(name, 'broken', String(error).split('\n', 1)[0] as string);
  }
}

/** Trains, exports, infers, compares. */
async function tryEngine(name: EngineName): Promise<Finding> {
  const began = performance.now();
  const { candidates, refused } = await candidatesOf([name], { load, threads: undefined });
  const candidate = candidates.at(-1);
  if (!candidate) {
    return finding(name, 'broken', refused[0]?.reason ?? '', { fix: remedies[name] });
  }
  const { threads } = candidate.load;
  const { model, firstLoss, lastLoss, remark } = await practise(candidate.provider, threads);
  const missing = await loadOrt().then(() => undefined, reasonOf);
  // The engine also finds a package beside the program that is run; the runtime must have its own.
  if (name === 'onnxruntime' && missing !== undefined) return finding(name, 'broken', missing, { fix: remedies[name] });
  const own = name === 'onnxruntime' || name === 'onnxruntime-cuda' ? [] : [runners[name]];
  const { maxAbsError } = await compare(model, missing === undefined ? [...own, runners.onnxruntime] : own);
  const detail = [
    `${formatCountOf(threads, 'thread')}, loss ${firstLoss.toFixed(2)} to ${lastLoss.toFixed(2)} in 20 steps`,
    missing === undefined ? `exported, off by ${formatSmall(maxAbsError)}` : 'the exported file was not run',
    ...(remark === undefined ? [] : [remark]),
  ].join('; ');
  return finding(name, 'works', detail, {
    facts: { threads, firstLoss, lastLoss, maxAbsError, seconds: since(began) },
  });
}

const remedies: Partial<Record<EngineName, string>> = {
  wasm: 'Start Node without --jitless, on a processor with SSE4.1 or NEON; until then --engine js trains, slower.',
  onnxruntime: 'npm install onnxruntime-node',
  'onnxruntime-cuda': 'See onnxruntime-libraries, under GPU.',
};

/** Without onnxruntime's library for CUDA it is absent; with one that does not start, broken. */
async function tryOnnxruntimeCuda(): Promise<Finding> {
  const found = await tryEngine('onnxruntime-cuda');
  const isAbsent = found.state === 'broken' && (await whyNoCudaHere()) !== undefined;
  return isAbsent ? { ...found, state: 'absent', fix: 'recurrent setup gpu' } : found;
}

/** Undefined, too, where onnxruntime itself does not load. */
const whyNoCudaHere = (): Promise<string | undefined> => loadOrt().then(whyNoCuda, () => undefined);

/** Without its native library it is absent; with one that does not load, broken. */
async function tryTensorflow(): Promise<Finding> {
  try {
    await loadNativeTensorflow();
  } catch (error) {
    if (!(error instanceof RecurrentError)) throw error;
    const state = /does not load/.test(error.message) ? 'broken' : 'absent';
    return finding('tensorflow', state, error.message, { fix: error.hint });
  }
  const found = await tryEngine('tensorflow');
  const { description } = await loadNativeTensorflow();
  return { ...found, detail: `${found.detail}; ${description}`, facts: { ...found.facts, description } };
}

/** TensorFlow.js as a witness of parity, on the best backend there is. */
async function tryTensorflowJs(): Promise<Finding> {
  try {
    await loadTensorflow();
  } catch (error) {
    if (!(error instanceof RecurrentError) || error.code !== 'ENGINE_MISSING') throw error;
    return finding('tfjs', 'absent', error.message, { fix: error.hint });
  }
  return judged('tfjs', await compare(untrained(), [runners.tensorflow]));
}

/** Infers on one of onnxruntime's providers, and looks where the LSTM ran. */
async function tryProvider(provider: ProviderName): Promise<Finding> {
  let ran = '';
  const runner: Runner = {
    name: 'onnxruntime',
    refusal: async () => undefined,
    async open(subject) {
      const classifier = await loadClassifier(subject.onnx, {
        providers: provider === 'cpu' ? 'cpu' : ['cuda', 'cpu'],
      });
      const placed = await classifier.placement();
      ran = placed.find(({ op }) => op === 'LSTM')?.provider ?? 'nowhere';
      const description = `onnxruntime ${await ortVersion()} on ${ran}`;
      return createSession(subject, { description, run: classifier.predictIds, close: classifier.dispose });
    },
  };
  try {
    const found = judged(provider, await compare(untrained(), [runner]));
    if (ran.toLowerCase().startsWith(provider)) return found;
    return { ...found, state: 'broken', detail: `the LSTM ran on ${ran}`, fix: 'Please report this.' };
  } catch (error) {
    if (!(error instanceof RecurrentError) || error.code !== 'PROVIDER_MISSING') throw error;
    const absence = await whyNoCudaHere();
    if (absence !== undefined) return finding(provider, 'absent', absence, { fix: 'recurrent setup gpu' });
    const reason = error.message.replace(`execution provider ${provider} is not available: `, '');
    return finding(provider, 'broken', reason, { fix: remedies['onnxruntime-cuda'] });
  }
}

function judged(name: PartName, { runners: ran, maxAbsError }: ParityReport): Finding {
  const description = ran.flatMap((runner) => ('skipped' in runner ? [] : [runner.description]))[1] ?? '';
  return finding(name, 'works', `${description}; off by ${formatSmall(maxAbsError)}`, {
    facts: { description, maxAbsError },
  });
}

const reasonOf = (error: unknown): string => (error as Error).message;
const since = (began: number): number => (performance.now() - began) / 1000;
