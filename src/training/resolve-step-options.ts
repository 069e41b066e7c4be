/** The step's options for the model and the texts at hand: weights by class, penalties by parameter. */
import type { ModelPlan } from '../../models/plan.ts';
import { fail } from '../core/errors.ts';
import type { RunOptions } from './options.ts';
import { type PenalisedKind, parametersOf, type StepOptions } from './step-options.ts';

interface TrainingPart {
  /** Class of each text. */
  readonly targets: readonly number[];
  readonly labels: readonly string[];
}

/** @throws OPTION_INVALID for an unknown label; OPTION_UNSUPPORTED for a penalty on what the model has not got */
export function resolveStepOptions(options: RunOptions, plan: ModelPlan, part: TrainingPart): StepOptions {
  const { globalClipNorm, clipValue } = options;
  return { classWeights: weightsOf(options, part), l2: penalties(options, plan), globalClipNorm, clipValue };
}

function weightsOf({ classWeights }: RunOptions, { targets, labels }: TrainingPart): readonly number[] | undefined {
  if (classWeights === undefined) return undefined;
  if (classWeights === 'balanced') return balancedWeights(targets, labels.length);
  const unknown = Object.keys(classWeights).find((label) => !labels.includes(label));
  if (unknown !== undefined) {
    fail('OPTION_INVALID', `classWeights: there is no class ${unknown}`, `The classes are ${labels.join(', ')}.`);
  }
  return labels.map((label) => classWeights[label] ?? 1);
}

/**
 * As scikit-learn's `compute_class_weight("balanced")`: texts / (classes · texts of the class), of the classes that have
 * any; 1 for the others.
 */
export function balancedWeights(targets: readonly number[], classes: number): readonly number[] {
  const counts = Array.from({ length: classes }, (_, label) => targets.filter((target) => target === label).length);
  const present = counts.filter((count) => count > 0).length;
  return counts.map((count) => (count === 0 ? 1 : targets.length / (present * count)));
}

function penalties({ l2 }: RunOptions, { spec, parameters }: ModelPlan): ReadonlyMap<string, number> | undefined {
  if (l2 === undefined) return undefined;
  const byKind = typeof l2 === 'number' ? { kernel: l2, recurrentKernel: l2, embeddings: l2 } : l2;
  const penalised = (Object.entries(byKind) as [PenalisedKind, number][]).flatMap(([kind, factor]) => {
    const names = parametersOf(kind, parameters);
    if (typeof l2 !== 'number' && factor > 0 && names.length === 0) {
      fail('OPTION_UNSUPPORTED', `l2.${kind} is ${factor}, but ${spec.name} has no ${kind}`, 'Leave it out.');
    }
    return factor > 0 ? names.map((name) => [name, factor] as const) : [];
  });
  return penalised.length ? new Map(penalised) : undefined;
}
