/** Precision, recall, F1 and AUC against scikit-learn's (tools/fixtures/sklearn_metrics.py), and by their definitions. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rocCurve } from '../../src/report/roc.ts';
import { areaUnderRoc, type ClassMetrics, classMetrics, createScore } from '../../src/training/metrics.ts';

interface Fixture extends Omit<ClassMetrics, 'support'> {
  readonly name: string;
  readonly targets: readonly number[];
  /** Of class 1, or of each class. */
  readonly probabilities: readonly (number | readonly number[])[];
  readonly confusion: readonly (readonly number[])[];
  readonly accuracy: number;
  readonly classes: readonly ClassMetrics[];
}

const path = new URL('../fixtures/layers/metrics.json', import.meta.url);
const { source, cases } = JSON.parse(readFileSync(path, 'utf8')) as { source: string; cases: Fixture[] };

/** Sums of some ten float64 quotients in another order. */
const digits = 12;

function expectClose(got: number | null, expected: number | null): void {
  if (expected === null || got === null) expect(got).toBe(expected);
  else expect(got).toBeCloseTo(expected, digits);
}

describe(source, () => {
  it.each(cases)('$name', ({ targets, probabilities, confusion, classes, ...overall }) => {
    const values = Float32Array.from(probabilities.flat());
    const outputs = values.length / targets.length;
    const score = createScore(targets.length + 5); // room that is not used
    for (let from = 0; from < targets.length; from += 7) {
      const own = Int32Array.from(targets.slice(from, from + 7));
      score.add(
        { loss: 1, correct: 0, probabilities: values.slice(outputs * from, outputs * (from + own.length)) },
        own,
      );
    }
    const found = score.metrics();
    for (const name of ['precision', 'recall', 'f1', 'auc'] as const) expectClose(found[name], overall[name]);
    const columns = outputs === 1 ? values.length * 2 : values.length;
    const judged = classMetrics({
      confusion,
      probabilities: Float32Array.from({ length: columns }, (_, place) => {
        if (outputs > 1) return values[place] as number;
        const p = values[place >> 1] as number;
        return place % 2 ? p : 1 - p;
      }),
      targets: Int32Array.from(targets),
    });
    for (const [label, expected] of classes.entries()) {
      expect(judged[label]?.support).toBe(expected.support);
      for (const name of ['precision', 'recall', 'f1', 'auc'] as const) {
        expectClose(judged[label]?.[name] ?? null, expected[name]);
      }
    }
  });
});

describe('areaUnderRoc', () => {
  const scored = fc.array(
    fc.record({ positive: fc.integer({ min: 0, max: 1 }), tenth: fc.integer({ max: 9, min: 0 }) }),
  );

  it('is the share of pairs in the right order, ties half, and the area of the curve that is drawn', () => {
    fc.assert(
      fc.property(scored, (rows) => {
        const positives = rows.map(({ positive }) => positive);
        const scores = Float32Array.from(rows, ({ tenth }) => tenth / 10);
        const pairs = rows.flatMap((a) =>
          rows.filter((b) => a.positive > b.positive).map((b) => (1 + Math.sign(a.tenth - b.tenth)) / 2),
        );
        const area = areaUnderRoc(positives, scores);
        if (pairs.length === 0) {
          expect(area).toBeNull();
        } else {
          expect(area).toBeCloseTo(pairs.reduce((sum, one) => sum + one, 0) / pairs.length, digits);
          expect(area).toBe(rocCurve(scores, positives).area);
        }
      }),
    );
  });
});
