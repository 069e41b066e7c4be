/** The kernels of the `wasm` engine. */
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
  silence,
  softmaxBackward,
  softmaxForward,
} from './layers';
export { lstmBackward, lstmForward } from './lstm';
export { adam, momentumSgd, rmsprop, sgd } from './optimisers';
export { addColumnSums, addOuter, addProducts, broadcast, pack } from './product';
export { simpleRnnBackward, simpleRnnForward } from './simple-rnn';
