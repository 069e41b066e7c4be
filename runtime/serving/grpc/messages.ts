/** Messages of gRPC to and from what the rest of the server speaks. */
import { fail } from '../../../src/core/errors.ts';
import type { InferRequest } from '../protocol/request.ts';
import type { InferResponse } from '../protocol/response.ts';
import {
  type Datatype,
  datatypes,
  type Elements,
  type InputTensor,
  type Parameters,
  rawBytes,
} from '../protocol/tensor.ts';

interface InferParameter {
  readonly boolParam?: boolean;
  readonly int64Param?: number;
  readonly stringParam?: string;
  readonly doubleParam?: number;
  readonly uint64Param?: number;
}
type InferParameters = Readonly<Record<string, InferParameter>>;

/** The lists of a tensor's contents; each holds the elements of one or a few datatypes. */
interface Contents {
  readonly boolContents?: readonly boolean[];
  readonly intContents?: readonly number[];
  readonly int64Contents?: readonly number[];
  readonly uintContents?: readonly number[];
  readonly uint64Contents?: readonly number[];
  readonly fp32Contents?: readonly number[];
  readonly fp64Contents?: readonly number[];
  readonly bytesContents?: readonly Uint8Array[];
}

export interface ModelInferRequest {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string;
  readonly parameters: InferParameters;
  readonly inputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
    readonly parameters: InferParameters;
    readonly contents?: Contents | null;
  }[];
  readonly outputs: readonly { readonly name: string; readonly parameters: InferParameters }[];
  readonly rawInputContents: readonly Uint8Array[];
}

/** @throws REQUEST_INVALID */
export function fromMessage(message: ModelInferRequest): InferRequest {
  const { inputs, rawInputContents: raw } = message;
  if (raw.length > 0 && raw.length !== inputs.length) {
    refuse(`${raw.length} raw contents are given for ${inputs.length} inputs`);
  }
  return {
    id: message.id === '' ? undefined : message.id,
    parameters: parametersOf(message.parameters),
    inputs: inputs.map((input, index) => tensorOf(input, raw[index])),
    outputs:
      message.outputs.length === 0
        ? undefined
        : message.outputs.map(({ name, parameters }) => ({ name, parameters: parametersOf(parameters) })),
  };
}

/** All outputs in raw form, as Triton answers. */
export function toMessage({ modelName, modelVersion, id, outputs }: InferResponse): object {
  return {
    modelName,
    modelVersion,
    id: id ?? '',
    outputs: outputs.map(({ name, datatype, shape }) => ({ name, datatype, shape })),
    rawOutputContents: outputs.map(rawBytes),
  };
}

function tensorOf(input: ModelInferRequest['inputs'][number], raw: Uint8Array | undefined): InputTensor {
  const { name, shape, parameters } = input;
  const [unknown] = Object.keys(parameters).filter((key) => key !== 'content_type');
  if (unknown !== undefined) refuse(`input ${name} has the parameter ${unknown}; it takes none`);
  const datatype = datatypes.find((known) => known === input.datatype);
  if (datatype === undefined) return refuse(`input ${name} has the datatype ${JSON.stringify(input.datatype)}`);
  if (raw === undefined) return { name, datatype, shape, elements: listOf(name, datatype, input.contents ?? {}) };
  if (Object.values(input.contents ?? {}).some(({ length }) => length > 0)) {
    refuse(`input ${name} has both contents and raw contents`);
  }
  return { name, datatype, shape, elements: { kind: 'raw', bytes: raw } };
}

/** Which list holds the elements of the datatypes that a model takes; of any other it does not matter. */
function listOf(name: string, datatype: Datatype, contents: Contents): Elements {
  const lists = { BYTES: 'bytesContents', INT32: 'intContents', INT64: 'int64Contents' } as const;
  const list = lists[datatype as keyof typeof lists];
  const others = Object.entries(contents).find(([key, { length }]) => key !== list && length > 0);
  if (list !== undefined && others) refuse(`input ${name} is ${datatype}, but has ${others[0]}`);
  return { kind: 'list', values: (list && contents[list]) ?? [] };
}

function parametersOf(parameters: InferParameters): Parameters {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => {
      const [choice] = Object.values(value);
      return [name, choice ?? refuse(`parameter ${name} has no value`)];
    }),
  );
}

function refuse(what: string): never {
  fail('REQUEST_INVALID', what, 'See docs/serving.md for the form of a request.');
}
