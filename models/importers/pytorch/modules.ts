/** The modules of a state_dict, by the names and shapes of their tensors: a file of PyTorch has no other trace of them. */
import { fail } from '../../../src/core/errors.ts';
import type { Tensor } from '../../weights.ts';
import { refuseFile } from '../json.ts';

/** `nn.Embedding` or `nn.Linear`: a matrix, of the latter with a bias unless that was switched off. */
export interface MatrixModule {
  readonly kind: 'matrix';
  readonly name: string;
  /** [ids, features] of an embedding, [outputs, inputs] of a linear layer. */
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
}

/** One layer of `nn.RNN`, `nn.LSTM` or `nn.GRU` in one direction. */
export interface Direction {
  /** [gates·units, inputs] */
  readonly weightIh: Tensor;
  /** [gates·units, units] */
  readonly weightHh: Tensor;
  /** [gates·units] each. */
  readonly biases: readonly [ih: Tensor, hh: Tensor] | undefined;
}

/** `nn.RNN`, `nn.LSTM` or `nn.GRU`. */
export interface RecurrentModule {
  readonly kind: 'recurrent';
  readonly name: string;
  readonly type: 'simpleRnn' | 'gru' | 'lstm';
  readonly units: number;
  readonly inputs: number;
  readonly bidirectional: boolean;
  readonly hasBias: boolean;
  /** Forward, and backward where there is one, of each layer from the input on. */
  readonly layers: readonly (readonly [Direction, Direction?])[];
}

export type Module = MatrixModule | RecurrentModule;

const recurrentName = /^(?:(.*)\.)?(weight_ih|weight_hh|weight_hr|bias_ih|bias_hh)_l(\d+)(_reverse)?$/;

interface Matrix {
  weight?: Tensor;
  bias?: Tensor;
}

/** Rows of a recurrent weight for each unit. */
const kinds: Readonly<Record<number, RecurrentModule['type']>> = { 1: 'simpleRnn', 3: 'gru', 4: 'lstm' };

/** @throws IMPORT_INVALID, LAYER_UNSUPPORTED */
export function findModules(tensors: ReadonlyMap<string, Tensor>, path: string): readonly Module[] {
  const recurrent = new Map<string, Map<string, Tensor>>();
  const matrices = new Map<string, Matrix>();
  for (const [name, tensor] of tensors) {
    const [, module = '', role, layer, reverse = ''] = recurrentName.exec(name) ?? [];
    if (role !== undefined) {
      entryOf(recurrent, module, () => new Map()).set(`${role}_l${Number(layer)}${reverse}`, tensor);
      continue;
    }
    const [, owner = '', what] = /^(?:(.*)\.)?(weight|bias)$/.exec(name) ?? [];
    if (what === undefined || tensor.shape.length !== (what === 'weight' ? 2 : 1)) return refuseTensor(name, tensor);
    entryOf(matrices, owner, (): Matrix => ({}))[what as keyof Matrix] = tensor;
  }
  return [
    ...[...matrices].map(([name, parts]) => matrixOf(name, parts, path)),
    ...[...recurrent].map(([name, parts]) => recurrentOf(name, parts, path)),
  ];
}

function entryOf<T>(map: Map<string, T>, key: string, make: () => T): T {
  const made = map.get(key) ?? make();
  map.set(key, made);
  return made;
}

function refuseTensor(name: string, { shape }: Tensor): never {
  const cell = /(^|\.)(weight|bias)_(ih|hh)$/.test(name);
  fail(
    'LAYER_UNSUPPORTED',
    `the tensor ${name} [${shape}] belongs to no nn.Embedding, nn.RNN, nn.LSTM, nn.GRU or nn.Linear`,
    cell
      ? 'A cell is called by a loop in Python: load its weights into nn.RNN, nn.LSTM or nn.GRU, and save that.'
      : 'A spec can say no other module: save the model without it.',
  );
}

function matrixOf(name: string, { weight, bias }: Matrix, path: string): MatrixModule {
  if (!weight) return refuseFile(path, `has a bias of ${name}, but no weight`);
  if (bias && bias.shape[0] !== weight.shape[0]) {
    return refuseFile(path, `has a bias of ${name} [${bias.shape}] that does not fit its weight [${weight.shape}]`);
  }
  return { kind: 'matrix', name, weight, bias };
}

function recurrentOf(name: string, parts: ReadonlyMap<string, Tensor>, path: string): RecurrentModule {
  const called = name || 'the recurrent layer';
  if ([...parts.keys()].some((part) => part.startsWith('weight_hr'))) {
    fail('LAYER_UNSUPPORTED', `${called} has proj_size, which a spec cannot say`, 'Train it without.');
  }
  const [rows = 0, units = 0] = parts.get('weight_hh_l0')?.shape ?? [];
  const type = units > 0 ? kinds[rows / units] : undefined;
  if (!type)
    return refuseFile(path, `has ${called} with weight_hh_l0 [${rows}, ${units}], not [1, 3 or 4 times units, units]`);
  const bidirectional = parts.has('weight_hh_l0_reverse');
  const hasBias = parts.has('bias_ih_l0');
  const depth = [...parts.keys()].filter((part) => /^weight_hh_l\d+$/.test(part)).length;
  const inputs = parts.get('weight_ih_l0')?.shape[1] ?? 0;
  let used = 0;

  function take(part: string, shape: readonly number[]): Tensor {
    const tensor = parts.get(part);
    if (!tensor) return refuseFile(path, `has no ${part} of ${called}`);
    if (tensor.shape.join() !== shape.join()) {
      return refuseFile(path, `has ${part} of ${called} with shape [${tensor.shape}], [${shape}] was expected`);
    }
    used++;
    return tensor;
  }
  const directionOf = (features: number, suffix: string): Direction => ({
    weightIh: take(`weight_ih_${suffix}`, [rows, features]),
    weightHh: take(`weight_hh_${suffix}`, [rows, units]),
    biases: hasBias ? [take(`bias_ih_${suffix}`, [rows]), take(`bias_hh_${suffix}`, [rows])] : undefined,
  });
  const layers = Array.from({ length: depth }, (_, layer): RecurrentModule['layers'][number] => {
    const features = layer === 0 ? inputs : units * (bidirectional ? 2 : 1);
    const forward = directionOf(features, `l${layer}`);
    return bidirectional ? [forward, directionOf(features, `l${layer}_reverse`)] : [forward];
  });
  if (used < parts.size)
    return refuseFile(path, `has ${parts.size - used} tensors of ${called} that belong to none of its layers`);
  return { kind: 'recurrent', name, type, units, inputs, bidirectional, hasBias, layers };
}
