/**
 * The kernels of the `wasm` engine, in AssemblyScript: the syntax of TypeScript, but numbers have the types of the machine
 * and there is no heap: functions take addresses in one memory, whose layout the TypeScript around them has decided.
 *
 * A `v128` is a SIMD vector, here always of four float32: one instruction adds or multiplies all four. To learn how an LSTM
 * is computed with them, read
 *
 * 1. `lanes.ts`: what the four are, and why nothing is ever left over;
 * 2. `product.ts`: a matrix product whose sums stay in registers;
 * 3. `recurrence.ts`, then `lstm.ts`: a walk through time and back; `gru.ts` and `simple-rnn.ts` are like it;
 * 4. `activations.ts`: tanh and sigmoid without an exponential;
 * 5. what stands around: `gather.ts` brings rows of tables into lanes, then `layers.ts`, `dropout.ts`, `optimisers.ts`.
 */
export { activateRange, activationGradient } from './activations';
export { dropoutMask } from './dropout';
export { gather, oneHotRows, pickScales, placeIds, scatterAdd } from './gather';
export {
  gruResetAfterBackward,
  gruResetAfterForward,
  gruResetBeforeBackward,
  gruResetBeforeForward,
} from './gru';
export {
  addMultiplied,
  addVector,
  averageBackward,
  averageForward,
  copyStrided,
  fill,
  maxBackward,
  maxForward,
  multiply,
  reverse,
  scale,
  scaledSum,
  shares,
  softmaxBackward,
  softmaxForward,
} from './layers';
export { lstmBackward, lstmForward } from './lstm';
export { adam, momentumSgd, rmsprop, sgd } from './optimisers';
export { addColumnSums, addOuter, addProducts, broadcast, pack } from './product';
export { simpleRnnBackward, simpleRnnForward } from './simple-rnn';
