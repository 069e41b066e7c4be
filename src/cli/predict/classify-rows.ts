/**
 * Many texts at a time. Which rows share a batch follows from their place and their lengths alone, never from the time:
 * a run that is resumed gives the bytes of one that was not interrupted.
 */
import type { ModelMetadata } from '../../../models/metadata/metadata.ts';
import { planModel } from '../../../models/plan.ts';
import { createEncoder } from '../../../models/text/encoder.ts';
import { withoutZeros } from '../../../runtime/batching/rows.ts';
import type { Classifier } from '../../../runtime/predict/classifier.ts';
import { type Prediction, predictionOf } from '../../../runtime/predict/prediction.ts';

/** Steps of a batch, all rows together. */
const batchSteps = 2 ** 13;

interface Row {
  readonly index: number;
  /** Padded, or of a model that masks zeros without them. */
  readonly ids: Int32Array;
  readonly words: number;
  readonly knownWords: number;
}

/** @returns a function from texts to their predictions, in their order */
export function classifyRows(
  metadata: ModelMetadata,
  { predictIds }: Pick<Classifier, 'predictIds'>,
): (texts: readonly string[], signal: AbortSignal) => Promise<Prediction[]> {
  const { head, vocabularySize, maskZero } = planModel(metadata.spec);
  const encoder = createEncoder({ ...metadata, vocabularySize });

  function encode(text: string, index: number): Row {
    const { ids, time, words, unknownWords } = encoder.encodeAll([text]);
    const kept = maskZero ? withoutZeros({ ids, rows: 1, time }).ids : ids;
    return { index, ids: kept, words, knownWords: words - unknownWords };
  }

  return async (texts, signal) => {
    const rows = texts.map(encode).sort((a, b) => a.ids.length - b.ids.length || a.index - b.index);
    const predictions = Array<Prediction>(texts.length);
    for (const batch of batchesOf(rows)) {
      const time = batch.at(-1)?.ids.length ?? 1;
      const ids = new Int32Array(batch.length * time); // [rows, time]
      batch.forEach((row, place) => {
        ids.set(row.ids, place * time);
      });
      const { probabilities } = await predictIds(ids, batch.length, time, { signal });
      batch.forEach(({ index, words, knownWords }, place) => {
        const own = probabilities.subarray(place * head.outputs, (place + 1) * head.outputs);
        predictions[index] = predictionOf(metadata.labels, own, { words, knownWords });
      });
    }
    return predictions;
  };
}

/** Rows by rising length into batches of about as many steps each. */
function batchesOf(rows: readonly Row[]): Row[][] {
  const batches: Row[][] = [];
  let batch: Row[] = [];
  for (const row of rows) {
    if (batch.length > 0 && (batch.length + 1) * row.ids.length > batchSteps) {
      batches.push(batch);
      batch = [];
    }
    batch.push(row);
  }
  if (batch.length) batches.push(batch);
  return batches;
}
