/**
 * A recurrent layer's walk through time by the kernels of engine `wasm`, between operations of TensorFlow: on the CPU,
 * where TensorFlow has no operation that does the whole walk. A call of an operation takes longer than the arithmetic of
 * a small layer's step; a large layer's products are faster in TensorFlow, which has wider vectors and more threads.
 */
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import { gates } from '../../../../../models/plan.ts';
import { availableBuilds } from '../../wasm/kernels.ts';
import { createLoneRecurrence } from '../../wasm/lone/recurrence.ts';
import { mostBytes } from '../../wasm/reserve-memory.ts';
import { lanes } from '../../wasm/workspace.ts';
import type { LoadedTensorflow, Tensorflow } from '../backend.ts';
import { type Recurrence, type RecurrenceInputs, recurrence } from './recurrence.ts';
import { withGradient } from './with-gradient.ts';

/** Multiplications of a step's recurrent product up to which the kernels are faster: see docs/engines.md. */
const mostMultiplications = 2 ** 22;
/** Values that the kernels' memory has room for. */
const mostValues = mostBytes / 4;

/** Not on a GPU, nor beside plain JavaScript, which is itself what the engine is compared with. */
export function kernelsHelp({ backend, device }: LoadedTensorflow): boolean {
  return backend === 'native' && device === 'CPU' && availableBuilds().length > 0;
}

/** One walk a name, each with a memory of its own, made when it is first needed. */
export function kernelRecurrences(): (name: string) => Recurrence {
  const made = new Map<string, Recurrence>();
  return (name) => {
    const known = made.get(name) ?? kernelRecurrence();
    made.set(name, known);
    return known;
  };
}

function kernelRecurrence(): Recurrence {
  let lone: ReturnType<typeof createLoneRecurrence> | undefined;
  return (tf, layer, inputs) => {
    if (inputs.withCell || !isSmall(layer, inputs)) return recurrence(tf, layer, inputs);
    lone ??= createLoneRecurrence(layer);
    return walk(tf, layer, inputs, lone);
  };
}

function isSmall({ units }: RecurrentLayer, { sums }: RecurrenceInputs): boolean {
  const [time, batch, width] = sums.shape;
  /** Sums, those of a GRU's state, one of the two as an array; states, their gradients and copies; indices. */
  const perPosition = 3 * width + 6 * units + 8;
  const values = perPosition * time * lanes * Math.ceil(batch / lanes) + 64 * lanes * (units + 4) + 4 * width * units;
  return batch * width * units <= mostMultiplications && values < mostValues;
}

function walk(
  tf: Tensorflow,
  layer: RecurrentLayer,
  { sums, recurrentKernel, candidateBias, dropped, alive, initial }: RecurrenceInputs,
  lone: ReturnType<typeof createLoneRecurrence>,
): Tensor3D[] {
  const { units } = layer;
  const [time, batch] = sums.shape;
  const shape = { batch, time, masked: alive !== undefined, biased: candidateBias !== undefined, drops: !!dropped };
  /** Of the gates, the candidate alone has a bias of its own: the others' are in the sums. */
  const before = (gates[layer.type] - 1) * units;
  const bias = candidateBias && (tf.pad(candidateBias, [[before, 0]]) as Tensor1D);
  const values = (tensor: Tensor) => tensor.dataSync<'float32'>();
  const inputs = {
    sums: values(sums),
    kernel: values(recurrentKernel),
    bias: bias && values(bias),
    dropped: dropped && values(dropped),
    initial: initial.map(values),
    mask: alive,
  };
  return withGradient(tf, [sums, recurrentKernel, ...(bias ? [bias] : []), ...initial], () => ({
    results: [tf.tensor3d(lone.forward(shape, inputs), [time, batch, units])],
    kept: [],
    gradient: ([dy]) => {
      const given = lone.backward(shape, inputs, values(dy as Tensor));
      return [
        tf.tensor3d(given.sums, sums.shape),
        tf.tensor2d(given.kernel, recurrentKernel.shape),
        ...(given.bias ? [tf.tensor1d(given.bias)] : []),
        ...given.initial.map((gradient): Tensor2D => tf.tensor2d(gradient, [batch, units])),
      ];
    },
  })) as Tensor3D[];
}
