/** Divides a data set into the parts that training learns from, that early stopping watches, and that nothing sees. */
import { fail } from '../core/errors.ts';
import { createRandom, permutation, type Random } from '../core/random.ts';
import type { Dataset, Parts, Recipe } from './dataset.ts';
import { nearDuplicateGroups } from './near-duplicates.ts';

/** How examples are divided. */
export interface SplitOptions {
  /** Draws the parts; independent of the seed of training. */
  readonly seed: number;
  /** Share of all examples. */
  readonly testSplit: number;
  /** Share of all examples. */
  readonly validationSplit: number;
}

/** Rising indices, but for those of a recipe, which keep its order. */
export interface Split extends Parts {
  /** The examples that share a group with others, and how many such groups there are. */
  readonly duplicates: { readonly examples: number; readonly groups: number };
}

/** By part and label: how many examples are still to come. */
type Room = Record<Part, number[]>;
type Part = (typeof parts)[number];
const parts = ['train', 'validation', 'test'] as const;

/**
 * Stratified by label, and no group is divided: near duplicates stay in one part.
 *
 * Test and validation hold their share of all examples, rounded (halves up), and of that each label its own share;
 * what rounding leaves goes to the labels with the largest remainders. The sizes are exact unless groups are so
 * large or so many that one fits into no part; it then goes to `train`.
 *
 * A data set with a recipe has its parts already, duplicates and all: `options` can only be {@link recipeSplit}.
 *
 * @throws OPTION_INVALID for shares out of range; DATA_LABELS when a class would have no example in a part;
 *   OPTION_UNSUPPORTED for other parts than those of the recipe
 */
export function splitDataset(dataset: Dataset, options: SplitOptions): Split {
  const { seed, testSplit, validationSplit } = options;
  if (dataset.recipe) return partsOf(dataset.recipe, options);
  checkShares(testSplit, validationSplit);
  const { labels, examples } = dataset;
  const groups = membersOf(dataset.groups ?? nearDuplicateGroups(examples.map(({ text }) => text)));
  const labelOf = (example: number) => examples[example]?.label as number;

  const counts = labels.map(() => 0);
  for (const { label } of examples) counts[label] = (counts[label] as number) + 1;
  const test = apportion(counts, Math.round(testSplit * examples.length));
  const validation = apportion(counts, Math.round(validationSplit * examples.length));
  const train = counts.map((count, label) => count - (test[label] as number) - (validation[label] as number));
  const room: Room = { train, validation, test };

  const random = createRandom({ seed, purpose: 'split' });
  const members: Record<Part, number[]> = { train: [], validation: [], test: [] };
  const drawn = Array.from(permutation(groups.length, random), (group) => groups[group] as number[]);
  for (const group of drawn.sort((a, b) => b.length - a.length)) {
    const groupLabels = group.map(labelOf);
    const part = choosePart(groupLabels, room, random);
    for (const label of groupLabels) room[part][label] = (room[part][label] as number) - 1;
    for (const example of group) members[part].push(example);
  }

  const shares: Record<Part, number> = { train: 1, validation: validationSplit, test: testSplit };
  for (const part of parts) {
    if (shares[part] > 0) checkLabels(part, new Set(members[part].map(labelOf)), labels);
  }
  const several = groups.filter(({ length }) => length > 1);
  const indices = (part: Part) => Int32Array.from(members[part]).sort();
  return {
    train: indices('train'),
    validation: indices('validation'),
    test: indices('test'),
    duplicates: { groups: several.length, examples: several.reduce((sum, { length }) => sum + length, 0) },
  };
}

/** The options that describe the parts of a recipe: the shares that they have. */
export function recipeSplit({ parts: { train, validation, test } }: Recipe): SplitOptions {
  const all = train.length + validation.length + test.length;
  return { seed: 0, testSplit: test.length / all, validationSplit: validation.length / all };
}

function partsOf(recipe: Recipe, options: SplitOptions): Split {
  const own = recipeSplit(recipe);
  for (const option of ['testSplit', 'validationSplit', 'seed'] as const) {
    if (options[option] === own[option]) continue;
    fail(
      'OPTION_UNSUPPORTED',
      `${option === 'seed' ? 'splitSeed' : option} ${options[option]} does not apply: the parts are those of ${recipe.name}`,
      'Leave it out. To divide the texts otherwise, read them as a folder with a subfolder for each class.',
    );
  }
  return { ...recipe.parts, duplicates: { examples: 0, groups: 0 } };
}

function checkShares(testSplit: number, validationSplit: number): void {
  const isShare = (share: number) => share >= 0 && share < 1;
  if (isShare(testSplit) && isShare(validationSplit) && testSplit + validationSplit < 1) return;
  fail(
    'OPTION_INVALID',
    `testSplit is ${testSplit} and validationSplit ${validationSplit}`,
    'Each is a share of all examples, 0 or more, and their sum is below 1.',
  );
}

function membersOf(groups: Int32Array): number[][] {
  const members = new Map<number, number[]>();
  for (const [example, group] of groups.entries()) {
    const known = members.get(group);
    if (known) known.push(example);
    else members.set(group, [example]);
  }
  return [...members.values()];
}

/** Divides `total` in proportion to `counts`: whole numbers by the largest remainder, the lower label first. */
function apportion(counts: readonly number[], total: number): number[] {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const quotas = counts.map((count) => (count * total) / Math.max(1, all));
  const seats = quotas.map(Math.floor);
  const left = total - seats.reduce((sum, count) => sum + count, 0);
  const byRemainder = quotas.map((quota, label) => ({ label, remainder: quota % 1 }));
  for (const { label } of byRemainder.sort((a, b) => b.remainder - a.remainder).slice(0, left)) {
    seats[label] = (seats[label] as number) + 1;
  }
  return seats;
}

/** One of the parts that the group fits into, by chance in proportion to the room that they have for its first label. */
function choosePart(groupLabels: readonly number[], room: Room, random: Random): Part {
  const needed = new Map<number, number>();
  for (const label of groupLabels) needed.set(label, (needed.get(label) ?? 0) + 1);
  const fitting = parts.filter((part) => [...needed].every(([label, count]) => (room[part][label] as number) >= count));
  const weights = fitting.map((part) => room[part][groupLabels[0] as number] as number);
  let ticket = random.below(
    Math.max(
      1,
      weights.reduce((sum, weight) => sum + weight, 0),
    ),
  );
  for (const [index, part] of fitting.entries()) {
    ticket -= weights[index] as number;
    if (ticket < 0) return part;
  }
  return 'train';
}

function checkLabels(part: Part, present: ReadonlySet<number>, labels: readonly string[]): void {
  const missing = labels.findIndex((_, label) => !present.has(label));
  if (missing < 0) return;
  fail(
    'DATA_LABELS',
    `no example of class "${labels[missing]}" is left for the ${part} part`,
    part === 'train'
      ? 'Give more examples of this class; near duplicates count as one.'
      : `Give more examples of this class (near duplicates count as one), or another ${part}Split: 0 leaves the part out.`,
  );
}
