/**
 * Near-duplicate texts: two texts whose sets of three-word runs (shingles) have a Jaccard similarity of at least
 * {@link threshold}, and everything that such pairs chain together. A split that divided them would test a model
 * on texts that it has seen.
 *
 * All pairs are found, by prefix filtering (Bayardo, Ma and Srikant, "Scaling up all pairs similarity search",
 * WWW 2007; Xiao, Wang, Lin and Yu, "Efficient similarity joins for near duplicate detection", WWW 2008): two sets that
 * are similar enough must share one of their few rarest members, so only texts that do are compared.
 */
import { kerasTokenizer } from '../../models/text/preprocessing.ts';
import { createTokenizer } from '../../models/text/tokenize.ts';
import { createNumbering } from './numbering.ts';

/**
 * From which similarity on two texts count as near duplicates. Chosen by reading pairs of the spam mails: above 0.7
 * stand mails that were sent again with another subject, price or reference number; between 0.6 and 0.7 such mails
 * mix with different ones that share a long footer; below stand issues of one newsletter and replies that quote.
 */
export const threshold = 0.7;

/** Guards products such as 0.7 × 30 against rounding upwards. */
const rounding = 1e-9;

/** The shingles of one text. */
interface ShingleSet {
  /** Different shingles in the text. */
  readonly size: number;
  /** Those that another text has too, as ranks: the rarest first. */
  readonly shared: Int32Array;
}

/**
 * The group of each text; groups are numbered in the order of their first text, and most hold one text only.
 * A text of fewer than three words is a single shingle: its near duplicates are the texts of the same words.
 */
export function nearDuplicateGroups(texts: readonly string[]): Int32Array<ArrayBuffer> {
  const different = new Map<string, number>();
  for (const text of texts) if (!different.has(text)) different.set(text, different.size);
  const joined = joinSimilar(shingleSets([...different.keys()]));
  const groups = new Map<number, number>();
  return Int32Array.from(texts, (text) => {
    const root = joined.rootOf(different.get(text) as number);
    const group = groups.get(root) ?? groups.size;
    groups.set(root, group);
    return group;
  });
}

function joinSimilar(sets: readonly ShingleSet[]): DisjointSets {
  const joined = createDisjointSets(sets.length);
  const bySize = [...sets.entries()].sort(([, a], [, b]) => a.size - b.size);
  /** By shingle: the sets that have it among their rarest, those of one group together. */
  const holders = new Map<number, number[][]>();

  for (const [current, set] of bySize) {
    const compared = new Set<number>();
    for (const shingle of rarestOf(set, threshold * set.size)) {
      for (const group of holders.get(shingle) ?? []) {
        for (const other of group) {
          if (joined.rootOf(other) === joined.rootOf(current)) break;
          if (compared.has(other)) continue;
          compared.add(other);
          if (areSimilar(set, sets[other] as ShingleSet)) joined.join(other, current);
        }
      }
    }
    // Those that come are as large or larger: more has to be shared with them, and fewer of the rarest need be known.
    for (const shingle of rarestOf(set, sharedBy(2 * set.size))) {
      const groups = holders.get(shingle);
      const own = groups?.find(([first]) => joined.rootOf(first as number) === joined.rootOf(current));
      if (own) own.push(current);
      else if (groups) groups.push([current]);
      else holders.set(shingle, [[current]]);
    }
  }
  return joined;
}

interface DisjointSets {
  rootOf(member: number): number;
  join(a: number, b: number): void;
}

function createDisjointSets(members: number): DisjointSets {
  const parent = Int32Array.from({ length: members }, (_, member) => member);
  function rootOf(member: number): number {
    let at = member;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at] as number] as number;
      at = parent[at] as number;
    }
    return at;
  }
  return {
    rootOf,
    join: (a, b) => {
      parent[rootOf(a)] = rootOf(b);
    },
  };
}

function shingleSets(texts: readonly string[]): ShingleSet[] {
  const tokenizer = createTokenizer(kerasTokenizer);
  const words = new Map<string, number>();
  const numbering = createNumbering();
  /** By shingle: how many texts have it, and the last of these. */
  const holders: number[] = [];
  const lastHolder: number[] = [];

  const numbered = texts.map((text, index) => {
    const ids: number[] = [];
    for (const word of tokenizer(text)) {
      const id = words.get(word) ?? words.size + 1;
      if (id > words.size) words.set(word, id);
      ids.push(id);
    }
    while (ids.length < 3) ids.push(0);
    const shingles: number[] = [];
    for (let at = 0; at + 2 < ids.length; at++) {
      const twoWords = (ids[at] as number) * 2 ** 26 + (ids[at + 1] as number);
      const shingle = numbering.numberOf(twoWords, ids[at + 2] as number);
      if (lastHolder[shingle] === index) continue;
      lastHolder[shingle] = index;
      holders[shingle] = (holders[shingle] ?? 0) + 1;
      shingles.push(shingle);
    }
    return Int32Array.from(shingles);
  });

  const rank = rankByRarity(holders);
  return numbered.map((shingles) => ({
    size: shingles.length,
    shared: shingles
      .map((shingle) => rank[shingle] as number)
      .filter((place) => place >= 0)
      .sort(),
  }));
}

/** The place of each shingle when all that more than one text has are ordered by how many have it; −1 for the others. */
function rankByRarity(holders: readonly number[]): Int32Array {
  const rank = new Int32Array(holders.length).fill(-1);
  const shared = Int32Array.from(holders.keys()).filter((shingle) => (holders[shingle] as number) > 1);
  shared.sort((a, b) => (holders[a] as number) - (holders[b] as number));
  for (const [place, shingle] of shared.entries()) rank[shingle] = place;
  return rank;
}

/**
 * How many members two similar sets share at least.
 * @param total sum of their sizes
 */
function sharedBy(total: number): number {
  return (threshold / (1 + threshold)) * total;
}

/**
 * The rarest members, of which a similar set has one.
 * @param common members that it shares at least; so one of these is among all but the last `common − 1`
 */
function rarestOf({ size, shared }: ShingleSet, common: number): Int32Array {
  const length = size - Math.ceil(common - rounding) + 1;
  const unshared = size - shared.length; // no other text has them: they are rarer than all that are listed
  return shared.subarray(0, Math.max(0, length - unshared));
}

/** Whether the Jaccard similarity of two sets reaches the threshold. */
function areSimilar(a: ShingleSet, b: ShingleSet): boolean {
  const needed = Math.ceil(sharedBy(a.size + b.size) - rounding);
  let common = 0;
  let left = 0;
  let right = 0;
  while (left < a.shared.length && right < b.shared.length) {
    if (common + Math.min(a.shared.length - left, b.shared.length - right) < needed) return false;
    const difference = (a.shared[left] as number) - (b.shared[right] as number);
    if (difference === 0) common++;
    if (difference <= 0) left++;
    if (difference >= 0) right++;
  }
  return common >= needed;
}
