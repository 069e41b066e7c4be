/** What the layers of one pass over a batch share. */
import type { DropoutPurpose } from '../../dropout.ts';

export interface Pass {
  readonly rows: number;
  readonly time: number;
  /** 1 where a step counts, [time, rows]; undefined when the model does not mask. */
  readonly mask: Uint8Array | undefined;
  /** The mask of a layer, or undefined when nothing is dropped: outside training, or at rate 0. */
  readonly dropoutMask: (
    purpose: DropoutPurpose,
    stream: number,
    rate: number,
    size: number,
  ) => Float32Array | undefined;
  /** A state before the first step, [rows, units]; undefined: zeros. */
  readonly initialState: (name: string) => Float32Array | undefined;
  readonly weight: (name: string) => Float32Array;
  /** Where a parameter's gradient is added up. */
  readonly gradient: (name: string) => Float32Array;
}
