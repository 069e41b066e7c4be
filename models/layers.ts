/**
 * The closed union of layers: the zod schema is the JSON contract, the types of a parsed spec follow from it.
 * `spec-input.ts` says what each option means.
 */
import { z } from 'zod';
import { activations } from './activations.ts';

const size = z
  .int()
  .min(1)
  .max(2 ** 31 - 1);
const rate = z.number().min(0).lt(1);
const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, 'a layer name takes letters, digits and, after the first, ".", "_" and "-"')
  .optional();
const activation = z.enum(activations);

const embedding = z.strictObject({
  type: z.literal('embedding'),
  name,
  inputDim: size,
  outputDim: size,
  maskZero: z.boolean().default(false),
});

const oneHot = z.strictObject({ type: z.literal('oneHot'), name, depth: size });

const recurrent = {
  name,
  units: size,
  activation: activation.default('tanh'),
  returnSequences: z.boolean().default(false),
  goBackwards: z.boolean().default(false),
  dropout: rate.default(0),
  recurrentDropout: rate.default(0),
};

const bias = z.enum(['none', 'single', 'double']);

const simpleRnn = z.strictObject({ type: z.literal('simpleRnn'), ...recurrent, bias: bias.default('single') });

const lstm = z.strictObject({
  type: z.literal('lstm'),
  ...recurrent,
  recurrentActivation: activation.default('sigmoid'),
  bias: bias.default('single'),
  unitForgetBias: z.boolean().default(true),
});

const gru = z.strictObject({
  type: z.literal('gru'),
  ...recurrent,
  recurrentActivation: activation.default('sigmoid'),
  resetAfter: z.boolean().default(true),
  bias: bias.optional(), // filled in by parseSpec
});

const recurrentLayer = z.discriminatedUnion('type', [simpleRnn, lstm, gru]);

const bidirectional = z.strictObject({
  type: z.literal('bidirectional'),
  name,
  layer: recurrentLayer,
  mergeMode: z.enum(['concat', 'sum', 'mul', 'ave']).default('concat'),
});

const dropout = z.strictObject({ type: z.literal('dropout'), name, rate });

const pooling = z.strictObject({ type: z.literal('pooling'), name, kind: z.enum(['average', 'max']) });

const dense = z.strictObject({
  type: z.literal('dense'),
  name,
  units: size,
  activation: z.enum(['linear', 'sigmoid', 'softmax', 'relu', 'tanh']).default('linear'),
  useBias: z.boolean().default(true),
});

const layer = z.discriminatedUnion('type', [
  embedding,
  oneHot,
  simpleRnn,
  lstm,
  gru,
  dense,
  dropout,
  bidirectional,
  pooling,
]);

/** The JSON contract of a spec. For JSON Schema: `z.toJSONSchema(specSchema)`. */
export const specSchema = z.strictObject({
  version: z.literal(1),
  name: z.string().min(1).max(100),
  initialisers: z.enum(['keras', 'pytorch']).default('keras'),
  layers: z.array(layer).min(2).max(64),
});

export type { SpecInput } from './spec-input.ts';

/** What the schema gives of a spec, before `parseSpec` adds what it cannot: default names and biases of GRUs. */
export type SchemaSpec = z.output<typeof specSchema>;
type Named<L> = L extends unknown ? Omit<L, 'name'> & { readonly name: string } : never;
type Biased<L> = L extends { type: 'gru' } ? Omit<L, 'bias'> & { readonly bias: z.output<typeof bias> } : L;
type CompleteRecurrent = Biased<z.output<typeof recurrentLayer>>;

/** A recurrent layer with every default filled in. */
export type RecurrentLayer = Readonly<Named<CompleteRecurrent>>;
export type BidirectionalLayer = Readonly<Omit<Named<z.output<typeof bidirectional>>, 'layer'>> & {
  readonly layer: RecurrentLayer;
};
type OtherLayer = Exclude<SchemaSpec['layers'][number], { type: 'bidirectional' | 'simpleRnn' | 'lstm' | 'gru' }>;

/** The closed union of layers. Tables over `Layer['type']` are exhaustive, so a new layer is a compile error until each has it. */
export type Layer = Readonly<Named<OtherLayer>> | RecurrentLayer | BidirectionalLayer;
export type LayerOf<T extends Layer['type']> = Extract<Layer, { type: T }>;

/** A parsed spec: complete, consistent, read-only. */
export interface ModelSpec {
  /** Of this form. */
  readonly version: 1;
  /** Of the model. */
  readonly name: string;
  /** Whose rules draw the starting weights. */
  readonly initialisers: SchemaSpec['initialisers'];
  /** From the input to the output. */
  readonly layers: readonly Layer[];
}
