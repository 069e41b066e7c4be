/** Receiver operating characteristic: what each threshold on a score would let through. */

/** What a threshold lets pass. */
export interface RocPoint {
  /** Share of the negatives at or above the threshold. */
  readonly falsePositives: number;
  /** Share of the positives at or above the threshold. */
  readonly truePositives: number;
}

/** A receiver operating characteristic. */
export interface RocCurve {
  /** From (0, 0) to (1, 1), one for each distinct score. */
  readonly points: readonly RocPoint[];
  /** Below the curve: the chance that a positive has a higher score than a negative, ties counting half. NaN where one of the two is missing. */
  readonly area: number;
}

/**
 * Exact: every distinct score is a threshold, and equal scores pass it together (Fawcett, An introduction to ROC analysis, 2006).
 *
 * @param scores one for each example, finite
 * @param positives truthy where the example is of the class that high scores stand for
 */
export function rocCurve(scores: ArrayLike<number>, positives: ArrayLike<boolean | number>): RocCurve {
  const order = Uint32Array.from({ length: scores.length }, (_, index) => index).sort(
    (a, b) => (scores[b] as number) - (scores[a] as number),
  );
  const positiveCount = order.filter((index) => positives[index]).length;
  const negativeCount = order.length - positiveCount;
  const points: RocPoint[] = [{ falsePositives: 0, truePositives: 0 }];
  let hits = 0;
  let alarms = 0;
  let pairs = 0; // of a positive and a negative in the right order, ties half
  for (let from = 0; from < order.length; ) {
    const score = scores[order[from] as number];
    let [tiedHits, tiedAlarms] = [0, 0];
    for (; from < order.length && scores[order[from] as number] === score; from++) {
      if (positives[order[from] as number]) tiedHits++;
      else tiedAlarms++;
    }
    pairs += tiedAlarms * (hits + tiedHits / 2);
    hits += tiedHits;
    alarms += tiedAlarms;
    points.push({ falsePositives: alarms / negativeCount, truePositives: hits / positiveCount });
  }
  return { points, area: pairs / positiveCount / negativeCount };
}
