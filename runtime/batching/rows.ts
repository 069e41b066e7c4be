import type { Batch, BatchOutputs } from './runner.ts';

/** The same rows for a model that masks zeros: each without them, all as long as the longest, at least one step. */
export function withoutZeros({ ids, rows, time, states }: Batch): Batch {
  let longest = 1;
  for (let row = 0; row < rows; row++) {
    let length = 0;
    for (let at = row * time; at < (row + 1) * time; at++) if (ids[at] !== 0) length++;
    if (length > longest) longest = length;
  }
  const kept = new Int32Array(rows * longest); // [rows, longest]
  for (let row = 0; row < rows; row++) {
    let to = row * longest;
    for (let at = row * time; at < (row + 1) * time; at++) {
      const id = ids[at] as number;
      if (id !== 0) kept[to++] = id;
    }
  }
  return { ids: kept, rows, time: longest, states };
}

/** Rows under each other, shorter ones with zeros behind; a request without states starts from zeros. */
export function join(requests: readonly Batch[]): Batch {
  const [first] = requests;
  if (first && requests.length === 1) return first;
  const rows = requests.reduce((sum, request) => sum + request.rows, 0);
  const time = requests.reduce((longest, request) => Math.max(longest, request.time), 1);
  const ids = new Int32Array(rows * time);
  let at = 0;
  for (const request of requests) {
    for (let row = 0; row < request.rows; row++, at += time) {
      ids.set(request.ids.subarray(row * request.time, (row + 1) * request.time), at);
    }
  }
  return { ids, rows, time, states: joinStates(requests, rows) };
}

function joinStates(requests: readonly Batch[], rows: number): readonly Float32Array[] | undefined {
  const one = requests.find(({ states }) => states);
  return one?.states?.map((example, index) => {
    const units = example.length / one.rows;
    const all = new Float32Array(rows * units); // [rows, units]
    let row = 0;
    for (const request of requests) {
      const own = request.states?.[index];
      if (own) all.set(own, row * units);
      row += request.rows;
    }
    return all;
  });
}

/** The outputs of each request, in their order. */
export function split(requests: readonly Batch[], outputs: BatchOutputs, rows: number): readonly BatchOutputs[] {
  if (requests.length === 1) return [outputs];
  let row = 0;
  return requests.map((request) => {
    const from = row;
    row += request.rows;
    const own = (all: Float32Array) => all.slice((from * all.length) / rows, (row * all.length) / rows);
    return {
      logits: own(outputs.logits),
      probabilities: own(outputs.probabilities),
      ...(request.states && outputs.states && { states: outputs.states.map(own) }),
    };
  });
}
