/** What a worker gets to run its share of a batch: every input of the graph, and where every output goes. */
import type { ModelPlan } from '../../../../models/plan.ts';
import { dropoutMask } from '../../dropout.ts';
import type { Batch, StepAddress } from '../../engine.ts';
import { type DropoutInput, gradientName, type StepGraph } from './graph/step-graph.ts';
import type { ParameterLayout, PlacedParameter } from './parameter-layout.ts';
import { createShareCutter, type Share } from './share.ts';
import { type Growing, growing } from './shared-array.ts';
import type { Feed, RunRequest } from './step-worker.ts';

export interface Fed {
  readonly request: RunRequest;
  /** First row of the batch. */
  readonly from: number;
  /** [rows, outputs], once the request is answered. */
  readonly logits: Float32Array;
  readonly placeOf: Int32Array;
  /** Of each table, [unique, width], once the request is answered. */
  readonly rowGradients: readonly Float32Array[];
}

export interface Rows {
  readonly graph: StepGraph;
  readonly model: RunRequest['model'];
  readonly batch: Batch;
  readonly from: number;
  readonly to: number;
  /** Draws the mask of a whole batch; undefined in evaluation. */
  readonly draw: ((input: DropoutInput) => Float32Array) | undefined;
}

/** @param gradients receives those of whole parameters */
export function createFeeder(
  { vocabularySize, maskZero, head, states }: ModelPlan,
  layout: ParameterLayout,
  weights: Float32Array,
  gradients: Float32Array,
  classWeights: readonly number[] | undefined,
): (rows: Rows) => Fed {
  const cut = createShareCutter(vocabularySize);
  const logitsOf = growing('float32');
  const shareOf = growing('float32');
  const tableGradients = layout.tables.map(() => growing('float32'));
  const masks = new Map<string, Growing<'float32'>>();
  const initialStates = states.map((state) => ({ ...state, hold: growing('float32') }));
  const place = ({ offset, length }: PlacedParameter, flat: Float32Array) => flat.subarray(offset, offset + length);

  function dropoutFeed(input: DropoutInput, drawn: Float32Array, share: Share): Feed {
    const hold = masks.get(input.name) ?? growing('float32');
    masks.set(input.name, hold);
    const { rows, from, time, index, unique } = share;
    const { features, layout: form } = input;
    const perRow = form === 'element' ? time * features : features;
    if (form !== 'one') {
      const data = hold(rows * perRow);
      data.set(drawn.subarray(from * perRow, (from + rows) * perRow));
      return {
        name: input.name,
        type: 'float32',
        dims: form === 'row' ? [rows, features] : [rows, time, features],
        data,
      };
    }
    const data = hold(time * rows);
    for (let p = 0; p < data.length; p++) {
      const id = unique[index[p] as number] as number;
      data[p] = drawn[(from + (p % rows)) * features + id] as number;
    }
    return { name: input.name, type: 'float32', dims: [time, rows, 1], data };
  }

  return ({ graph, model, batch, from, to, draw }) => {
    const share = cut(batch, from, to);
    const { rows, time, index, unique, placeOf, mask, targets } = share;
    const sequence = [time, rows];
    const feeds: Feed[] = [
      { name: 'index', type: 'int32', dims: sequence, data: index },
      ...[...layout.whole, ...layout.tables].map((parameter): Feed => {
        const { name, shape } = parameter;
        const feed = { name, type: 'float32', dims: shape, data: place(parameter, weights) } as const;
        return graph.byRow.has(name) ? { ...feed, dims: [unique.length, ...shape.slice(1)], rows: unique } : feed;
      }),
    ];
    for (const { name, units, hold } of initialStates) {
      const data = hold(rows * units);
      const given = batch.initialStates?.get(name);
      if (given) data.set(given.subarray(from * units, to * units));
      else data.fill(0);
      feeds.push({ name, type: 'float32', dims: [rows, units], data });
    }
    if (maskZero) feeds.push({ name: 'mask', type: 'bool', dims: sequence, data: mask });
    if (graph.takesUnique) feeds.push({ name: 'unique', type: 'int32', dims: [unique.length], data: unique });
    const logits = logitsOf(rows * head.outputs);
    const results: { readonly name: string; readonly data: Float32Array }[] = [{ name: 'logits', data: logits }];
    const rowGradients: Float32Array[] = [];
    if (draw) {
      const shares = shareOf(classWeights ? rows : 1);
      for (let row = 0; row < shares.length; row++) {
        shares[row] = (classWeights?.[targets[row] as number] ?? 1) / batch.rows;
      }
      feeds.push({ name: 'targets', type: 'int32', dims: [rows], data: targets });
      feeds.push({ name: 'share', type: 'float32', dims: classWeights ? [rows, 1] : [], data: shares });
      for (const input of graph.dropouts) feeds.push(dropoutFeed(input, draw(input), share));
      for (const parameter of layout.whole) {
        results.push({ name: gradientName(parameter.name), data: place(parameter, gradients) });
      }
      layout.tables.forEach(({ name, shape, length }, table) => {
        const width = length / (shape[0] as number);
        const data = (tableGradients[table] as Growing<'float32'>)(unique.length * width);
        rowGradients.push(data);
        results.push({ name: gradientName(name), data });
      });
    }
    return { request: { kind: 'run', model, feeds, results }, from, logits, placeOf, rowGradients };
  };
}

/** Draws each mask of a step once, for all shares. */
export function createDraw({ rows, time }: Batch, address: StepAddress): (input: DropoutInput) => Float32Array {
  const drawn = new Map<string, Float32Array>();
  return ({ name, purpose, stream, rate, layout, features }) => {
    const size = rows * (layout === 'element' ? time * features : features);
    const mask = drawn.get(name) ?? dropoutMask(address, purpose, stream, rate, size);
    drawn.set(name, mask);
    return mask;
  };
}
