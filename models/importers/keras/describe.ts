/** From a chain of Keras layers to a spec, and from the file's weights to those of the spec. */
import { fail, RecurrentError } from '../../../src/core/errors.ts';
import type { ModelSpec } from '../../layers.ts';
import { type ModelPlan, planModel } from '../../plan.ts';
import { parseSpec } from '../../spec.ts';
import type { LayerInput } from '../../spec-input.ts';
import { checkWeights, type Tensor, type Weights } from '../../weights.ts';
import { describeInput } from '../describe-input.ts';
import type { ImportedLayer, TextFacts } from '../imported.ts';
import { linesOf, readVocabulary } from '../vocabulary.ts';
import type { Chain } from './chain.ts';
import { type KerasLayer, refuseLayer } from './config.ts';
import { type Dialect, denseActivation, readLayer, type Vectorisation } from './layers.ts';

export interface Described {
  readonly spec: ModelSpec;
  /** For each layer of the spec, the one of the file whose weights it has. */
  readonly sources: readonly KerasLayer[];
  readonly layers: readonly ImportedLayer[];
  /** @param vocabulary of a TextVectorization layer, a word a line */
  text(vocabulary?: Uint8Array): TextFacts;
  readonly remarks: readonly string[];
}

/** @throws LAYER_UNSUPPORTED */
export function describeChain({ name, layers }: Chain, dialect: Dialect): Described {
  const remarks: string[] = [];
  const described: { layer: LayerInput; source: KerasLayer }[] = [];
  let maxLength: number | undefined;
  let vectorisation: Vectorisation | undefined;
  const shown: ImportedLayer[] = [];
  const show = (source: KerasLayer, becomes: string | null) =>
    shown.push({ name: source.name, kind: source.className, becomes });

  for (const source of layers) {
    const counterpart = readLayer(source, dialect, (text) => remarks.push(text));
    if ('maxLength' in counterpart) maxLength ??= counterpart.maxLength;
    if ('nothing' in counterpart) {
      show(source, null);
    } else if ('vectorisation' in counterpart) {
      if (described.length || vectorisation) refuseLayer(source, 'does not come first', 'Texts enter a model once.');
      vectorisation = counterpart.vectorisation;
      show(source, 'preprocessing');
    } else if ('activation' in counterpart) {
      const last = described.at(-1);
      if (last?.layer.type !== 'dense' || last.layer.activation !== 'linear') {
        return refuseLayer(
          source,
          'does not follow a linear dense layer',
          'Give the activation to the layer before it.',
        );
      }
      const activation = denseActivation(source, counterpart.activation);
      last.layer = { ...last.layer, activation };
      show(source, `activation ${activation} of ${last.source.name}`);
    } else {
      described.push({ layer: nameAs(counterpart.layer, source, remarks), source });
      show(source, describeInput(counterpart.layer));
    }
  }
  const spec = parse({ version: 1, name, layers: described.map(({ layer }) => layer) });
  const sources = described.map(({ source }) => source);
  checkMaskedPooling(planModel(spec), sources, dialect);
  return { spec, sources, layers: shown, remarks, text: (vocabulary) => textOf(vectorisation, maxLength, vocabulary) };
}

/** Keras' `pad_sequences` works at the front of a text, its TextVectorization at the end. */
function textOf(layer: Vectorisation | undefined, maxLength: number | undefined, file?: Uint8Array): TextFacts {
  if (!layer) return { padding: 'pre', truncating: 'pre', ...(maxLength !== undefined && { maxLength }) };
  const words = layer.words ?? (file && linesOf(new TextDecoder().decode(file)));
  const read = words && readVocabulary(words, 'the vocabulary of TextVectorization');
  return {
    ...{ padding: 'post', truncating: 'post', tokenizer: layer.tokenizer },
    ...(layer.maxLength !== undefined && { maxLength: layer.maxLength }),
    ...(read && { vocabulary: read }),
    ...(layer.filtersDiffer !== undefined && { filtersDiffer: layer.filtersDiffer }),
  };
}

/** Names that a spec cannot have are left to it. */
function nameAs(layer: LayerInput, { name }: KerasLayer, remarks: string[]): LayerInput {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) return { ...layer, name };
  remarks.push(`layer ${name} is named anew: a spec takes letters, digits, ".", "_" and "-"`);
  return layer;
}

/** @throws LAYER_UNSUPPORTED */
function parse(json: unknown): ModelSpec {
  try {
    return parseSpec(json);
  } catch (error) {
    if (!(error instanceof RecurrentError)) throw error;
    return fail('LAYER_UNSUPPORTED', `no spec can say what the file holds: ${error.message}`, error.hint, error);
  }
}

/** The spec pools unmasked steps. Keras' maximum, and all pooling of TensorFlow.js, looks at the masked ones too. */
function checkMaskedPooling({ layers }: ModelPlan, sources: readonly KerasLayer[], dialect: Dialect): void {
  for (const [index, { layer, masked }] of layers.entries()) {
    if (layer.type !== 'pooling' || !masked || (layer.kind === 'average' && dialect.masksAveragePooling)) continue;
    refuseLayer(
      sources[index] as KerasLayer,
      'pools masked steps too, which a spec leaves out',
      'Train with mask_zero=False, or end with a recurrent layer that gives its last step.',
    );
  }
}

/**
 * @param found by `<layer of the file>/<forward|backward/>` and Keras' name of the variable
 * @throws IMPORT_INVALID, WEIGHTS_INVALID
 */
export function gatherWeights({ spec, sources }: Described, found: ReadonlyMap<string, Tensor>, path: string): Weights {
  const left = new Map(found);
  const weights = new Map<string, Tensor>();
  const plan = planModel(spec);
  for (const [index, { layer, parameters }] of plan.layers.entries()) {
    const source = sources[index] as KerasLayer;
    for (const { name } of parameters) {
      const place = `${source.name}${name.slice(layer.name.length)}`;
      const tensor = left.get(place);
      const hint = 'Save the whole model, with its weights, or use another copy of the file.';
      if (!tensor) fail('IMPORT_INVALID', `${path} has no weight ${place}`, hint);
      left.delete(place);
      weights.set(name, tensor);
    }
  }
  const [extra] = left.keys();
  if (extra !== undefined) {
    fail('IMPORT_INVALID', `${path} has a weight ${extra} that no layer takes`, 'Save the model again.');
  }
  checkWeights(weights, plan.parameters);
  return weights;
}
