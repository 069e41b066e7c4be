/**
 * Writes the tables of the tutorial, in both languages, from results/faq.json: mean ± standard deviation over seeds.
 *
 *   node benchmarks/chapter/faq-tables.mjs
 */
import { readFileSync } from 'node:fs';
import { deviation, groups, mean } from 'd3-array';
import { markdownTable, writeSections } from '../pages.mjs';

const { padded, runs, times } = JSON.parse(readFileSync(new URL('results/faq.json', import.meta.url), 'utf8'));

const languages = {
  'tutorial.md': {
    padding: ['layer', 'words', 'zeros', 'masked', 'validation accuracy', 'test accuracy', 'epochs', 'seeds'],
    dropout: ['dropout', 'recurrentDropout', 'validation accuracy', 'test accuracy', 'epochs', 'seeds'],
    seconds: 's an epoch',
    quickest: 'Seconds are those of the quickest epoch of nine with its validation, on one thread.',
    sides: { pre: 'before', post: 'after' },
    padded: (length, reviews, zeros) =>
      `With ${length} words, ${reviews} % of the training reviews are padded, and ${zeros} % of all ids are zeros.`,
    answers: { true: 'yes', false: 'no' },
  },
  'tutorial.ko.md': {
    padding: ['층', '단어 수', '0의 위치', '마스킹', '검증 정확도', '테스트 정확도', '에포크', '시드 수'],
    dropout: ['dropout', 'recurrentDropout', '검증 정확도', '테스트 정확도', '에포크', '시드 수'],
    seconds: '에포크당 초',
    quickest: '초는 스레드 하나에서 검증까지 포함한 에포크 아홉 번 가운데 가장 빠른 것의 시간입니다.',
    sides: { pre: '앞', post: '뒤' },
    padded: (length, reviews, zeros) =>
      `${length}단어일 때는 훈련 리뷰의 ${reviews} %에 패딩이 붙고, 모든 정수의 ${zeros} %가 0입니다.`,
    answers: { true: '예', false: '아니요' },
  },
};

/** The runs of each setting, whatever the seed. @param {(setting: any) => boolean} asked */
function runsBySetting(asked) {
  const chosen = runs.filter(({ setting }) => asked(setting));
  return groups(chosen, ({ setting }) => JSON.stringify({ ...setting, seed: undefined })).map(([, group]) => group);
}

/** @param {number[]} values shares */
function percent(values) {
  const centre = (100 * mean(values)).toFixed(2);
  return values.length === 1 ? centre : `${centre} ± ${(100 * deviation(values)).toFixed(2)}`;
}

/** @param {any[]} group */
function figures(group) {
  const of = (name) => group.map((run) => run[name]);
  const epochs = of('epochs');
  return {
    accuracies: [percent(of('validationAccuracy')), percent(of('testAccuracy'))],
    epochs: epochs.length === 1 ? epochs[0] : `${Math.min(...epochs)}–${Math.max(...epochs)}`,
    seeds: group.length,
  };
}

const noDropout = (setting) => setting.dropout === 0 && setting.recurrentDropout === 0;
const chapter = ({ layer, length, padding, masked, seed }) =>
  layer === 'lstm' && length === 100 && padding === 'pre' && !masked && seed < 3;

for (const [page, words] of Object.entries(languages)) {
  const padding = runsBySetting(noDropout).map((group) => {
    const { layer, length, padding: side, masked } = group[0].setting;
    const { accuracies, epochs, seeds } = figures(group);
    const answer = words.answers[String(masked)];
    return [layer.toUpperCase(), length, words.sides[side], answer, ...accuracies, epochs, seeds];
  });
  const dropout = runsBySetting(chapter).map((group) => {
    const { dropout: rate, recurrentDropout } = group[0].setting;
    const { accuracies, epochs, seeds } = figures(group);
    const time = times.find((one) => one.dropout === rate && one.recurrentDropout === recurrentDropout);
    return [rate, recurrentDropout, ...accuracies, epochs, seeds, ...(time ? [time.seconds.toFixed(2)] : [])];
  });
  const share = (value) => (100 * value).toFixed(1);
  const zeros = padded.map((one) => words.padded(one.length, share(one.paddedReviews), share(one.zeros))).join(' ');
  writeSections(page, {
    'faq:padding': `${markdownTable([words.padding, ...padding])}\n\n${zeros}`,
    'faq:dropout': times.length
      ? `${markdownTable([[...words.dropout, words.seconds], ...dropout])}\n\n${words.quickest}`
      : markdownTable([words.dropout, ...dropout]),
  });
}
