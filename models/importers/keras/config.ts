/**
 * The options of a Keras layer, read one by one. What is left at the end and is set is refused: an option that nobody
 * here knows could change the numbers.
 */
import { fail } from '../../../src/core/errors.ts';
import type { Json } from '../json.ts';
import { isJson } from '../json.ts';

/** A layer as the file describes it. */
export interface KerasLayer {
  readonly name: string;
  readonly className: string;
  readonly config: Json;
}

/** @throws LAYER_UNSUPPORTED */
export function refuseLayer({ name, className }: KerasLayer, what: string, hint: string): never {
  fail('LAYER_UNSUPPORTED', `layer ${name} (${className}) ${what}`, hint);
}

/** Options without any influence on what a trained model gives. */
const harmless =
  /^(name|trainable|seed|implementation|unroll|input_length|build_config|quantization_config_?|.*_initializer)$/;

/** Options that shape training alone, and that the spec has not got. */
const ofTraining = /^(noise_shape|.*_regularizer|.*_constraint)$/;

/** Types in which Keras may compute. */
const floats = ['float32', 'float64', 'float16', 'bfloat16', 'mixed_float16', 'mixed_bfloat16'];

export function readConfig(layer: KerasLayer, remark: (text: string) => void) {
  const left = new Map(Object.entries(layer.config).filter(([, value]) => value !== null));

  function take<T>(key: string, form: string, is: (value: unknown) => value is T, standard: T | undefined): T {
    const value = left.get(key) ?? standard;
    left.delete(key);
    if (is(value)) return value;
    return refuseLayer(layer, `has ${key} ${JSON.stringify(value)}, ${form} was expected`, damaged);
  }

  return {
    flag: (key: string, standard?: boolean) => take(key, 'true or false', isBoolean, standard),
    number: (key: string, standard?: number) => take(key, 'a number', isNumber, standard),
    text: (key: string, standard?: string) => take(key, 'a name', isText, standard),
    json: (key: string) => take(key, 'an object', isJson, undefined),
    optional(key: string): unknown {
      const value = left.get(key);
      left.delete(key);
      return value;
    },
    /** Refuses any value but these; left out will do. */
    accept(key: string, values: readonly unknown[], hint: string): void {
      const value = left.get(key) ?? values[0];
      left.delete(key);
      if (!values.includes(value)) refuseLayer(layer, `has ${key}=${JSON.stringify(value)}`, hint);
    },
    /** @throws LAYER_UNSUPPORTED for an option that was not asked for */
    end(): void {
      checkType(layer, left.get('dtype'), remark);
      left.delete('dtype');
      for (const key of left.keys()) if (harmless.test(key)) left.delete(key);
      const dropped = [...left.keys()].filter((key) => ofTraining.test(key));
      if (dropped.length)
        remark(`layer ${layer.name}: ${dropped.join(', ')} matters to training alone and is left out`);
      for (const [key, value] of left) {
        if (dropped.includes(key) || value === false) continue;
        const hint = 'Save the model without it, or describe what it should become in an issue.';
        refuseLayer(layer, `has ${key}=${JSON.stringify(value)?.slice(0, 100)}, which a spec cannot say`, hint);
      }
    },
  };
}

export type ConfigReader = ReturnType<typeof readConfig>;

const damaged = 'Save the model again, or use another copy of the file.';

function checkType(layer: KerasLayer, dtype: unknown, remark: (text: string) => void): void {
  if (dtype === undefined) return;
  const name = isJson(dtype) && isJson(dtype.config) ? (dtype.config.name ?? dtype.class_name) : dtype;
  if (name === 'float32' || name === 'int32' || name === 'int64' || name === 'string') return;
  if (!floats.includes(name as string)) {
    refuseLayer(layer, `computes in ${JSON.stringify(name)}`, 'Save the model before it is quantised.');
  }
  remark(`layer ${layer.name} computes in ${name} in Keras, in float32 here: expect its outputs to differ accordingly`);
}

const isBoolean = (value: unknown) => typeof value === 'boolean';
const isNumber = (value: unknown) => typeof value === 'number';
const isText = (value: unknown) => typeof value === 'string';
