/** The recipe of `keras.datasets.imdb` as it is written down, on bytes as Latin-1: slow, and sharing nothing with the product but the shuffle. */
import { createLegacyRandom } from '../../../src/data/imdb/numpy-random.ts';

const filters = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n';

export function wordsOf(bytes: Buffer): string[] {
  const letters = [...bytes.toString('latin1')].map((letter) => {
    if (filters.includes(letter)) return ' ';
    return letter >= 'A' && letter <= 'Z' ? letter.toLowerCase() : letter;
  });
  return letters
    .join('')
    .split(' ')
    .filter((word) => word !== '');
}

/** Names and sequences of both parts, [train, test], as `imdb.load_data()` gives them. */
export function kerasReviews(reviews: ReadonlyMap<string, string | Buffer>) {
  const named = (folder: string) => [...reviews.keys()].filter((name) => name.startsWith(folder)).sort();
  const parts = ['train', 'test'].map((part) => [...named(`${part}/pos`), ...named(`${part}/neg`)]);
  const words = new Map([...reviews].map(([name, text]) => [name, wordsOf(Buffer.from(text))]));
  const counts = new Map<string, number>();
  for (const name of parts[0] ?? []) {
    for (const word of words.get(name) ?? []) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const byCount = [...counts.entries()].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const index = new Map(byCount.map(([word], place) => [word, place + 1]));
  const random = createLegacyRandom(113);
  return parts.map((names) => {
    const order = Int32Array.from(names.keys());
    random.shuffle(order);
    return Array.from(order, (at) => {
      const name = names[at] ?? '';
      const ids = (words.get(name) ?? []).map((word) => (index.get(word) ?? Number.POSITIVE_INFINITY) + 3);
      return { name, label: name.includes('/pos/') ? 1 : 0, sequence: [1, ...ids] };
    });
  });
}
