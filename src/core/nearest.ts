/** The names that a mistyped one most likely meant, best first, at most three: those that contain it or are few edits away. */
export function nearestNames(typed: string, names: readonly string[]): string[] {
  const wanted = typed.toLowerCase();
  return names
    .map((name) => {
      const candidate = name.toLowerCase();
      const contained = wanted.length > 1 && candidate.includes(wanted);
      if (initialsOf(candidate) === wanted.replace(/^-+/, '')) return { name, distance: 0 };
      return { name, distance: contained ? 1 : editDistance(wanted, candidate) };
    })
    .filter(({ distance }) => distance <= Math.max(1, wanted.length / 3))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ name }) => name);
}

/** `lr` of `--learning-rate`; undefined of one word. */
function initialsOf(name: string): string | undefined {
  const words = name.replace(/^-+/, '').split('-');
  return words.length > 1 ? words.map(([first]) => first).join('') : undefined;
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substituted = (previous[column - 1] as number) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current.push(
        Math.min(
          (previous[column] as number) + 1,
          (current[column - 1] as number) + 1,
          substituted,
          swapped ? (beforePrevious[column - 2] as number) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    [beforePrevious, previous] = [previous, current];
  }
  return previous[b.length] as number;
}
