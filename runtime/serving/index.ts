/** `recurrent-onnx/serving`: a server of exported classifiers, over the Open Inference Protocol. */
export type { ServeOptions } from './options.ts';
export { type RunningServer, type ServeContext, startServer } from './server.ts';
