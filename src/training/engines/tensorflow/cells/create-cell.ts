import type { Tensor3D } from '@tensorflow/tfjs-core';
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import type { Tensorflow } from '../backend.ts';
import type { Cell } from './cell.ts';
import { gruCell } from './gru.ts';
import { lstmCell } from './lstm.ts';
import { simpleRnnCell } from './simple-rnn.ts';

/**
 * @param kernel [gates, units, units]
 * @param candidateBias as for `gruCell`
 */
export function createCell(
  tf: Tensorflow,
  layer: RecurrentLayer,
  kernel: Tensor3D,
  candidateBias: Tensor3D | undefined,
): Cell {
  switch (layer.type) {
    case 'simpleRnn':
      return simpleRnnCell(tf, layer, kernel);
    case 'lstm':
      return lstmCell(tf, layer, kernel);
    case 'gru':
      return gruCell(tf, layer, kernel, candidateBias);
  }
}
