/** Written by: node benchmarks/training/engine-costs.mjs */
import type { CostTable } from './expected-cost.ts';

export const costs: CostTable = {
  machine: 'AMD EPYC, 2 cores, Node 20.20.2',
  units: [8, 16, 32, 64, 128, 256],
  rows: [16, 64],
  engines: {
    wasm: {
      one: {
        step: 0.0455,
        millionWeights: 1.8,
        layers: {
          simpleRnn: [
            [0.151, 0.365, 1.17, 3.22, 12.9, 40.3],
            [0.814, 1.5, 4.07, 14.2, 47, 159],
          ],
          lstm: [
            [0.389, 1.05, 4.01, 12.8, 46.2, 176],
            [1.3, 4.72, 16.2, 56, 195, 749],
          ],
          gru: [
            [0.365, 0.94, 2.44, 11.2, 39.6, 115],
            [1.56, 4.26, 9.58, 32, 112, 446],
          ],
        },
      },
      two: {
        step: 0.0455,
        millionWeights: 1.8,
        layers: {
          simpleRnn: [
            [0.151, 0.365, 1.17, 3.22, 12.9, 40.3],
            [0.814, 1.5, 4.07, 14.2, 47, 159],
          ],
          lstm: [
            [0.389, 1.05, 4.01, 12.8, 46.2, 176],
            [1.3, 4.72, 16.2, 56, 195, 749],
          ],
          gru: [
            [0.365, 0.94, 2.44, 11.2, 39.6, 115],
            [1.56, 4.26, 9.58, 32, 112, 446],
          ],
        },
      },
    },
  },
};
