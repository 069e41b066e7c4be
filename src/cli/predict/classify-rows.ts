/**
 * Many texts at a time. Which rows share a batch follows from their place and their lengths alone, never from the time:
 * a run that is resumed gives the bytes of one that was not interrupted.
 */
import type { ModelMetadata } from '../../../models/metadata/metadata.ts';
import { planModel } from '../../../models/plan.ts';
import { createEncoder, type EncodedText } from '../../../models/text/encoder.ts';
import { writeRow } from '../../../models/text/padding.ts';
import type { Classifier } from '../../../runtime/predict/classifier.ts';
import { type Prediction, predictionOf } from '../../../runtime/predict/prediction.ts';

/** Steps of a batch, all rows together. */
const batchSteps = 2 ** 13;

interface Row extends EncodedText {
  readonly index: number;
  /** Steps that the model needs of it, at least 1. */
  readonly steps: number;
}

/** @returns a function from texts to their predictions, in their order */
export function classifyRows(
  metadata: ModelMetadata,
  { predictIds }: Pick<Classifier, 'predictIds'>,
): (texts: readonly string[], signal: AbortSignal) => Promise<Prediction[]> {
  const { head, vocabularySize, maskZero } = planModel(metadata.spec);
  const { labels, preprocessing } = metadata;
  const encoder = createEncoder({ ...metadata, vocabularySize });

  function encode(text: string, index: number): Row {
    const encoded = encoder.encodeText(text);
    const { maxLength } = preprocessing;
    // A model that masks zeros reads a row as if its padding were not there; to any other it is part of the text.
    const steps = maskZero ? Math.max(1, Math.min(maxLength, encoded.ids.length)) : maxLength;
    return { ...encoded, index, steps };
  }

  return async (texts, signal) => {
    const rows = texts.map(encode).sort((a, b) => a.steps - b.steps || a.index - b.index);
    const predictions = Array<Prediction>(texts.length);
    for (const batch of batchesOf(rows)) {
      const time = batch.at(-1)?.steps ?? 1;
      const ids = new Int32Array(batch.length * time); // [rows, time]
      for (const [place, row] of batch.entries()) writeRow(ids, place, row.ids, { ...preprocessing, maxLength: time });
      const { probabilities } = await predictIds(ids, batch.length, time, { signal });
      for (const [place, { index, words, unknownWords }] of batch.entries()) {
        const own = probabilities.subarray(place * head.outputs, (place + 1) * head.outputs);
        predictions[index] = predictionOf(labels, own, { words, knownWords: words - unknownWords });
      }
    }
    return predictions;
  };
}

/** Rows by rising length into batches of about as many steps each. */
function batchesOf(rows: readonly Row[]): Row[][] {
  const batches: Row[][] = [];
  let batch: Row[] = [];
  for (const row of rows) {
    if (batch.length > 0 && (batch.length + 1) * row.steps > batchSteps) {
      batches.push(batch);
      batch = [];
    }
    batch.push(row);
  }
  if (batch.length) batches.push(batch);
  return batches;
}
