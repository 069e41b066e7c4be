import type { Colour } from '../../report/theme.ts';
import type { ContenderName } from './contender.ts';

/** Of each contender the same in every chart. */
export const contenderColours = {
  wasm: 'blue',
  onnxruntime: 'green',
  tensorflow: 'brown',
  js: 'purple',
  'tfjs-cpu': 'grey',
  'tfjs-node': 'muted',
  pytorch: 'vermilion',
  keras: 'amber',
  'keras-xla': 'ink',
} as const satisfies Record<ContenderName, Colour>;
