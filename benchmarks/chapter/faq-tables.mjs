/**
 * Writes the tables of the tutorial, in both languages, from results/faq.json: mean ± standard deviation over seeds.
 *
 *   node benchmarks/chapter/faq-tables.mjs
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** @param {string} path */
const fileOf = (path) => fileURLToPath(new URL(path, import.meta.url));
const { padded, runs, times } = JSON.parse(readFileSync(fileOf('results/faq.json'), 'utf8'));

const languages = {
  'tutorial.md': {
    padding: ['layer', 'words', 'zeros', 'masked', 'validation accuracy', 'test accuracy', 'epochs', 'seeds'],
    dropout: ['dropout', 'recurrentDropout', 'validation accuracy', 'test accuracy', 'epochs', 'seeds'],
    seconds: 's an epoch',
    quickest: 'Seconds are those of the quickest epoch of nine with its validation, on one thread.',
    sides: { pre: 'before', post: 'after' },
    padded: (/** @type {number} */ length, /** @type {string} */ reviews, /** @type {string} */ zeros) =>
      `With ${length} words, ${reviews} % of the training reviews are padded, and ${zeros} % of all ids are zeros.`,
    answers: { true: 'yes', false: 'no' },
  },
  'tutorial.ko.md': {
    padding: ['층', '단어 수', '0의 위치', '마스킹', '검증 정확도', '테스트 정확도', '에포크', '시드 수'],
    dropout: ['dropout', 'recurrentDropout', '검증 정확도', '테스트 정확도', '에포크', '시드 수'],
    seconds: '에포크당 초',
    quickest: '초는 스레드 하나에서 검증까지 포함한 에포크 아홉 번 가운데 가장 빠른 것의 시간입니다.',
    sides: { pre: '앞', post: '뒤' },
    padded: (/** @type {number} */ length, /** @type {string} */ reviews, /** @type {string} */ zeros) =>
      `${length}단어일 때는 훈련 리뷰의 ${reviews} %에 패딩이 붙고, 모든 정수의 ${zeros} %가 0입니다.`,
    answers: { true: '예', false: '아니요' },
  },
};

/** The runs of each setting, whatever the seed. @param {(setting: any) => boolean} asked */
function groups(asked) {
  const found = new Map();
  for (const run of runs.filter((/** @type {any} */ { setting }) => asked(setting))) {
    const key = JSON.stringify({ ...run.setting, seed: undefined });
    found.set(key, [...(found.get(key) ?? []), run]);
  }
  return [...found.values()];
}

/** @param {number[]} values */
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
/** @param {number[]} values */
function spread(values) {
  const squares = values.map((value) => (value - mean(values)) ** 2);
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / (values.length - 1));
}
/** @param {number[]} values shares */
function percent(values) {
  const centre = (100 * mean(values)).toFixed(2);
  return values.length === 1 ? centre : `${centre} ± ${(100 * spread(values)).toFixed(2)}`;
}

/** @param {any[]} group */
function figures(group) {
  const of = (/** @type {string} */ name) => group.map((run) => run[name]);
  const epochs = of('epochs');
  return {
    accuracies: [percent(of('validationAccuracy')), percent(of('testAccuracy'))],
    epochs: epochs.length === 1 ? epochs[0] : `${Math.min(...epochs)}–${Math.max(...epochs)}`,
    seeds: group.length,
  };
}

/** @param {readonly unknown[][]} lines the first is the head */
function table([head = [], ...lines]) {
  const row = (/** @type {readonly unknown[]} */ cells) => `| ${cells.join(' | ')} |`;
  return [row(head), `|${head.map(() => '---').join('|')}|`, ...lines.map(row)].join('\n');
}

const noDropout = (/** @type {any} */ setting) => setting.dropout === 0 && setting.recurrentDropout === 0;
const chapter = (/** @type {any} */ { layer, length, padding, masked, seed }) =>
  layer === 'lstm' && length === 100 && padding === 'pre' && !masked && seed < 3;

for (const [page, words] of Object.entries(languages)) {
  const padding = groups(noDropout).map((group) => {
    const { layer, length, padding: side, masked } = group[0].setting;
    const { accuracies, epochs, seeds } = figures(group);
    const answer = words.answers[/** @type {'true' | 'false'} */ (String(masked))];
    return [
      layer.toUpperCase(),
      length,
      words.sides[/** @type {'pre' | 'post'} */ (side)],
      answer,
      ...accuracies,
      epochs,
      seeds,
    ];
  });
  const dropout = groups(chapter).map((group) => {
    const { dropout: rate, recurrentDropout } = group[0].setting;
    const { accuracies, epochs, seeds } = figures(group);
    const time = times.find(
      (/** @type {any} */ one) => one.dropout === rate && one.recurrentDropout === recurrentDropout,
    );
    return [rate, recurrentDropout, ...accuracies, epochs, seeds, ...(time ? [time.seconds.toFixed(2)] : [])];
  });
  const share = (/** @type {number} */ value) => (100 * value).toFixed(1);
  const zeros = padded
    .map((/** @type {any} */ one) => words.padded(one.length, share(one.paddedReviews), share(one.zeros)))
    .join(' ');
  const file = fileOf(`../../docs/${page}`);
  let text = readFileSync(file, 'utf8');
  for (const [name, content] of Object.entries({
    padding: `${table([words.padding, ...padding])}\n\n${zeros}`,
    dropout: times.length
      ? `${table([[...words.dropout, words.seconds], ...dropout])}\n\n${words.quickest}`
      : table([words.dropout, ...dropout]),
  })) {
    const [begin, end] = [`<!-- faq:${name} -->`, `<!-- /faq:${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`docs/${page} has no mark ${begin}`);
    text = `${text.slice(0, from + begin.length)}\n${content}\n${text.slice(to)}`;
  }
  writeFileSync(file, text);
}
