/** Which layers cuDNN computes on this device: one proof a kind of layer and its sizes, when the first one asks. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Layer, ModelSpec, RecurrentLayer } from '../../../../../models/layers.ts';
import { planModel } from '../../../../../models/plan.ts';
import type { Tensorflow } from '../backend.ts';
import { nativeBackend, nativeOps } from '../native.ts';
import { cudnnMode } from './cudnn.ts';
import { type CudnnVerdict, proveCudnn } from './cudnn-proof.ts';

/** Of each library. */
const verdicts = new WeakMap<object, Map<string, CudnnVerdict>>();

interface Inputs {
  readonly features: number;
  readonly masked: boolean;
}

/** Whether cuDNN computes the layer on the current backend. @returns undefined where it is out of the question */
export function judgeCudnn(
  tf: Tensorflow,
  layer: RecurrentLayer,
  { features, masked }: Inputs,
): CudnnVerdict | undefined {
  const [backend, native, mode] = [nativeBackend(tf), nativeOps(tf), cudnnMode(layer, masked)];
  if (!backend?.isUsingGpuDevice || !native || !mode) return undefined;
  const known = verdicts.get(backend.binding) ?? new Map<string, CudnnVerdict>();
  verdicts.set(backend.binding, known);
  const key = [mode, layer.bias, layer.units, features].join(' ');
  const verdict =
    known.get(key) ?? tf.tidy(() => proveCudnn(tf, native, mode, layer, features) as CudnnVerdict & Tensor);
  known.set(key, verdict);
  return verdict;
}

/** What of a model cuDNN computes on this device, in words. @returns undefined where it is out of the question */
export function describeCudnn(tf: Tensorflow, spec: ModelSpec): string | undefined {
  const judged = planModel(spec).layers.flatMap(({ layer, input, masked }, index, all) => {
    const recurrent = recurrentOf(layer);
    const looksUp = all[index - 1]?.layer.type === 'oneHot'; // rows of the kernel, with nothing to multiply
    if (!recurrent || looksUp || input.kind !== 'sequence') return [];
    const verdict = judgeCudnn(tf, recurrent, { features: input.features, masked });
    return verdict ? [[layer.name, verdict.taken ? 'on cuDNN' : `not on cuDNN: ${verdict.reason}`] as const] : [];
  });
  const said = [...new Set(judged.map(([, outcome]) => outcome))].map((outcome) => {
    const names = judged.flatMap(([name, its]) => (its === outcome ? [name] : []));
    return `${names.join(', ')} ${outcome}`;
  });
  return said.length ? said.join('; ') : undefined;
}

function recurrentOf(layer: Layer): RecurrentLayer | undefined {
  if (layer.type === 'bidirectional') return layer.layer;
  return layer.type === 'simpleRnn' || layer.type === 'lstm' || layer.type === 'gru' ? layer : undefined;
}
