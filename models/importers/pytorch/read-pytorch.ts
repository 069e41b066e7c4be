/**
 * A state_dict of PyTorch. It has no architecture: modules follow from names and shapes, and what Python does between
 * them from the caller, or from a spec in place of all that.
 */
import { fail, RecurrentError } from '../../../src/core/errors.ts';
import { readFileWhole } from '../../../src/core/files.ts';
import type { ModelSpec } from '../../layers.ts';
import { parseSpec } from '../../spec.ts';
import type { LayerInput } from '../../spec-input.ts';
import { describeInput } from '../describe-input.ts';
import type { Architecture } from '../imported.ts';
import type { ImportOptions, PytorchOptions } from '../options.ts';
import { describeOrder } from './describe.ts';
import { findModules } from './modules.ts';
import { type Order, orderModules } from './order.ts';
import { readStateDict } from './state-dict.ts';
import { fillSpec } from './weights.ts';

/** @throws IMPORT_INVALID, IMPORT_AMBIGUOUS, LAYER_UNSUPPORTED, WEIGHTS_INVALID, OPTION_INVALID, OPTION_UNSUPPORTED, FILE_NOT_FOUND, FILE_ACCESS */
export async function readPytorch(path: string, { pytorch = {} }: ImportOptions): Promise<Architecture> {
  const { tensors, types } = await readStateDict(await readFileWhole(path), path);
  const order = orderModules(findModules(tensors, path), pytorch.modules);
  const spec = specOf(order, pytorch);
  const { weights, places } = fillSpec(spec, order);
  const remarks = [
    ...(types.length ? [`weights of type ${types.join(', ')} became float32`] : []),
    ...(pytorch.spec === undefined ? inferred(order) : []),
  ];
  return {
    producer: 'PyTorch, a state_dict',
    ...{ spec, weights, remarks },
    layers: spec.layers.map((layer) => {
      const place = places.find((one) => one.layer === layer);
      return { name: place?.module ?? '', kind: place?.kind ?? '', becomes: describeInput(layer as LayerInput) };
    }),
    text: { padding: 'post', truncating: 'post' },
  };
}

function inferred({ recurrent }: Order): string[] {
  return [
    'modules and their order follow from names and shapes; the last linear layer gives logits, to which a sigmoid or softmax belongs',
    ...(recurrent.some(({ layers }) => layers.length > 1)
      ? ['dropout between the layers is not in a state_dict: it matters to training alone']
      : []),
  ];
}

/** @throws SPEC_INVALID for a spec of the caller, else LAYER_UNSUPPORTED */
function specOf(order: Order, { spec, modules: _, ...said }: PytorchOptions): ModelSpec {
  if (spec !== undefined) {
    const [other] = Object.entries(said).flatMap(([name, value]) => (value === undefined ? [] : [name]));
    if (other !== undefined) {
      fail('OPTION_UNSUPPORTED', `pytorch.${other} does not go with pytorch.spec`, 'The spec says it: leave it out.');
    }
    return parseSpec(spec);
  }
  const layers = describeOrder(order, said);
  try {
    return parseSpec({ version: 1, name: 'imported', initialisers: 'pytorch', layers });
  } catch (error) {
    if (!(error instanceof RecurrentError)) throw error;
    return fail('LAYER_UNSUPPORTED', `no spec can say what the file holds: ${error.message}`, error.hint, error);
  }
}
