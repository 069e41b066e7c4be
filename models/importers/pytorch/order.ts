/**
 * In which order the data walk through modules whose file does not say it: embedding, recurrent layers, linear layers, each
 * taking what the one before gives. Where two orders fit, nobody here can tell, and the caller is asked.
 */
import { fail } from '../../../src/core/errors.ts';
import type { MatrixModule, Module, RecurrentModule } from './modules.ts';

export interface Order {
  readonly embedding: MatrixModule;
  readonly recurrent: readonly RecurrentModule[];
  readonly linear: readonly MatrixModule[];
}

/** Enough to see that there is more than one, and to show some. */
const shownOrders = 3;

/** As many layers as a spec has. */
const moduleLimit = 64;

/** Steps of the search: models have a handful of modules. */
const stepLimit = 20_000;

/** @param named names of the modules in the order of the data @throws IMPORT_AMBIGUOUS, OPTION_INVALID, LAYER_UNSUPPORTED */
export function orderModules(modules: readonly Module[], named: readonly string[] | undefined): Order {
  if (named) return asNamed(modules, named);
  if (modules.length > moduleLimit) {
    fail(
      'LAYER_UNSUPPORTED',
      `the file has ${modules.length} modules, a spec at most ${moduleLimit} layers`,
      'It is another kind of model.',
    );
  }
  const { orders, complete } = findOrders(modules);
  const [only, another] = orders;
  if (!only && complete) {
    return fail(
      'LAYER_UNSUPPORTED',
      `the modules do not fit together as embedding, recurrent and linear layers: ${modules.map(describeModule).join('; ')}`,
      'Name them in the order of the data (--modules) to hear where they do not, or save the part that is such a chain.',
    );
  }
  if (!only || another || !complete) {
    return fail(
      'IMPORT_AMBIGUOUS',
      only
        ? `the modules fit together in several orders, such as ${orders.map(describeOrder).join(' or ')}`
        : 'the modules could fit together in too many orders to try',
      'Name them in the order of the data: pytorch.modules (--modules).',
    );
  }
  return only;
}

/** @returns `complete`: there are no others */
function findOrders(modules: readonly Module[]): { readonly orders: readonly Order[]; readonly complete: boolean } {
  const found: Order[] = [];
  let steps = 0;
  const enough = () => found.length >= shownOrders || ++steps > stepLimit;
  const without = (rest: readonly Module[], one: Module) => rest.filter((other) => other !== one);

  function walk(features: number, { recurrent, linear, embedding }: Order, rest: readonly Module[]): void {
    if (enough()) return;
    if (rest.length === 0) {
      if (recurrent.length > 0 && linear.length > 0) found.push({ embedding, recurrent, linear });
      return;
    }
    for (const module of rest) {
      if (inputsOf(module) !== features) continue;
      const more = without(rest, module);
      if (module.kind === 'matrix') {
        if (recurrent.length > 0) walk(outputsOf(module), { embedding, recurrent, linear: [...linear, module] }, more);
      } else if (linear.length === 0) {
        walk(outputsOf(module), { embedding, linear, recurrent: [...recurrent, module] }, more);
      }
    }
  }
  for (const module of modules) {
    if (module.kind !== 'matrix' || module.bias) continue;
    walk(module.weight.shape[1] as number, { embedding: module, recurrent: [], linear: [] }, without(modules, module));
  }
  return { orders: found, complete: steps <= stepLimit && found.length < shownOrders };
}

function inputsOf(module: Module): number {
  return module.kind === 'matrix' ? (module.weight.shape[1] as number) : module.inputs;
}

function outputsOf(module: Module): number {
  if (module.kind === 'matrix') return module.weight.shape[0] as number;
  return module.units * (module.bidirectional ? 2 : 1);
}

function asNamed(modules: readonly Module[], names: readonly string[]): Order {
  const left = new Map(modules.map((module) => [module.name, module]));
  const chosen = names.map((name) => {
    const module = left.get(name);
    const hint = `There are ${modules.map((one) => one.name || '""').join(', ')}, each once.`;
    if (!module) return fail('OPTION_INVALID', `there is no module ${name}, or it was named before`, hint);
    left.delete(name);
    return module;
  });
  const [extra] = left.keys();
  if (extra !== undefined) fail('OPTION_INVALID', `the module ${extra} was not named`, 'Name all of them.');
  const [embedding, ...others] = chosen;
  const recurrent = others.filter((module) => module.kind === 'recurrent');
  const linear = others.filter((module) => module.kind === 'matrix');
  const sorted = others.every((module, index) => module === [...recurrent, ...linear][index]);
  if (embedding?.kind !== 'matrix' || embedding.bias || recurrent.length === 0 || linear.length === 0 || !sorted) {
    return fail(
      'OPTION_INVALID',
      `${chosen.map(describeModule).join('; ')}: this is no embedding, then recurrent, then linear layers`,
      'Name them in the order of the data.',
    );
  }
  let features = embedding.weight.shape[1] as number;
  for (const module of others) {
    if (inputsOf(module) !== features) {
      fail(
        'OPTION_INVALID',
        `${describeModule(module)} gets ${features} features`,
        'Name them in the order of the data.',
      );
    }
    features = outputsOf(module);
  }
  return { embedding, recurrent, linear };
}

function describeOrder({ embedding, recurrent, linear }: Order): string {
  return [embedding, ...recurrent, ...linear].map(({ name }) => name || '""').join(' → ');
}

function describeModule(module: Module): string {
  const name = module.name || '""';
  return module.kind === 'matrix'
    ? `${name} [${module.weight.shape}]`
    : `${name} (${module.type}, ${module.inputs} → ${outputsOf(module)})`;
}
