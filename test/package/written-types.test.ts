/** Types of options are written by hand, so that editors show what each means. Here each is held against its schema, by the compiler. */
import { expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import type { EpochRecord, epochRecordSchema, RunState, runStateSchema } from '../../models/checkpoint/state.ts';
import type { specSchema } from '../../models/layers.ts';
import type { TrainingRecord, trainingRecordSchema } from '../../models/model.ts';
import type { LayerInput, SpecInput } from '../../models/spec-input.ts';
import type {
  Preprocessing,
  preprocessingSchema,
  TokenizerOptions,
  tokenizerSchema,
} from '../../models/text/preprocessing.ts';
import type { ServeOptions, serveOptionsSchema } from '../../runtime/serving/options.ts';
import type { PlateauInput, plateauSchema, ScheduleInput, scheduleSchema } from '../../src/training/learning-rate.ts';
import type { OptimiserInput, optimiserSchema } from '../../src/training/optimisers.ts';
import type { RunOptionsInput, runOptionsSchema } from '../../src/training/options.ts';

/** Whether something may be written is no matter here. */
type Plain<T> = T extends readonly (infer Element)[]
  ? Plain<Element>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Plain<T[Key]> }
    : T;
type KeysOf<T> = T extends unknown ? keyof T : never;
type Within<A, B> = [A, KeysOf<A>] extends [B, KeysOf<B>] ? true : false;

/** [true, true] where either can stand for the other and none has a key that the other lacks. */
type Agreement<Written, Parsed> = [Within<Plain<Written>, Plain<Parsed>>, Within<Plain<Parsed>, Plain<Written>>];
type Agreeing = [true, true];

it('agree with their schemas', () => {
  expectTypeOf<Agreement<RunOptionsInput, z.input<typeof runOptionsSchema>>>().toEqualTypeOf<Agreeing>();
  expectTypeOf<Agreement<ScheduleInput, z.input<typeof scheduleSchema>>>().toEqualTypeOf<Agreeing>();
  expectTypeOf<Agreement<PlateauInput, z.input<typeof plateauSchema>>>().toEqualTypeOf<Agreeing>();
  expectTypeOf<Agreement<OptimiserInput, z.input<typeof optimiserSchema>>>().toEqualTypeOf<Agreeing>();
  expectTypeOf<Agreement<TokenizerOptions, z.input<typeof tokenizerSchema>>>().toEqualTypeOf<Agreeing>();
  expectTypeOf<Agreement<Preprocessing, z.input<typeof preprocessingSchema>>>().toEqualTypeOf<Agreeing>();
  expectTypeOf<Agreement<ServeOptions, z.input<typeof serveOptionsSchema>>>().toEqualTypeOf<Agreeing>();
  expectTypeOf<Agreement<EpochRecord, z.output<typeof epochRecordSchema>>>().toEqualTypeOf<Agreeing>();
  expectTypeOf<Agreement<TrainingRecord, z.output<typeof trainingRecordSchema>>>().toEqualTypeOf<Agreeing>();
  type SavedState = Omit<RunState, 'weights' | 'moments'>; // tensors of the file
  expectTypeOf<Agreement<SavedState, z.output<typeof runStateSchema>>>().toEqualTypeOf<Agreeing>();
});

it('of a spec, layer by layer', () => {
  type Schema = z.input<typeof specSchema>;
  type Types = LayerInput['type'];
  type Layers = {
    [Type in Types]: Agreement<Extract<LayerInput, { type: Type }>, Extract<Schema['layers'][number], { type: Type }>>;
  };
  expectTypeOf<Agreement<SpecInput, Schema>>().toEqualTypeOf<Agreeing>();
  expectTypeOf<Layers>().toEqualTypeOf<Record<Types, Agreeing>>();
});
