import { describe, expect, it } from 'vitest';
import { parseClassWeights, settingsParser, typesOf } from '../../../src/cli/options/settings-parser.ts';
import { plateauSchema, scheduleSchema } from '../../../src/training/learning-rate.ts';
import { optimiserSchema } from '../../../src/training/optimisers.ts';
import { runOptionsSchema } from '../../../src/training/options.ts';

const l2 = settingsParser('--l2', runOptionsSchema.shape.l2);
const schedule = settingsParser('--schedule', scheduleSchema);
const optimiser = settingsParser('--optimiser', optimiserSchema);
const plateau = settingsParser('--reduce-on-plateau', plateauSchema);

describe('settings', () => {
  it('are read as the object that the library takes', () => {
    expect(schedule('cosine')).toEqual({ type: 'cosine' });
    expect(schedule('cosine,over=20,warmup=.5,end=1e-2')).toEqual({ type: 'cosine', over: 20, warmup: 0.5, end: 0.01 });
    expect(optimiser('sgd,momentum=0.9,nesterov')).toEqual({ type: 'sgd', momentum: 0.9, nesterov: true });
    expect(optimiser('sgd,nesterov=false')).toEqual({ type: 'sgd', nesterov: false });
    expect(plateau('factor=0.5,min-rate=1e-5')).toEqual({ factor: 0.5, minRate: 1e-5 });
    expect(l2('1e-4')).toBe(1e-4);
    expect(l2('recurrent-kernel=0.1')).toEqual({ recurrentKernel: 0.1 });
    expect(parseClassWeights('balanced')).toBe('balanced');
    expect(parseClassWeights('not-spam=1,a b=0.5')).toEqual({ 'not-spam': 1, 'a b': 0.5 });
    expect(typesOf(optimiserSchema)).toContain('adam-pytorch');
  });

  it.each([
    [() => optimiser('adm'), 'OPTION_INVALID', /--optimiser adm/],
    [() => schedule('cosine,every=2'), 'OPTION_UNKNOWN', /no setting every/],
    [() => schedule('step,every=2'), 'OPTION_INVALID', /factor/],
    [() => schedule('step,every=2,factor=2'), 'OPTION_INVALID', /factor/],
    [() => schedule('cosine,over=0x10'), 'OPTION_INVALID', /over/],
    [() => schedule('cosine,over='), 'OPTION_INVALID', /cannot read/],
    [() => schedule('cosine,,over=2'), 'OPTION_INVALID', /cannot read/],
    [() => schedule('cosine,over=2,over=3'), 'OPTION_INVALID', /cannot read/],
    [() => schedule(''), 'OPTION_INVALID', /cannot read/],
    [() => plateau('patience=1.5'), 'OPTION_INVALID', /patience/],
    [() => plateau('0.5'), 'OPTION_INVALID', /--reduce-on-plateau 0.5/],
    [() => plateau('often'), 'OPTION_UNKNOWN', /no setting type/],
    [() => l2('kernel=x'), 'OPTION_INVALID', /--l2/],
    [() => parseClassWeights('spam'), 'OPTION_INVALID', /--class-weights/],
    [() => parseClassWeights('spam=x'), 'OPTION_INVALID', /--class-weights/],
  ] as const)('that do not fit are refused by name (%#)', (parse, code, message) => {
    expect(parse).toThrowError(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });
});
