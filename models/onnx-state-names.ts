/** Names of the inputs and outputs of an ONNX file that carries states, by the name of the state: `lstm/h`. */
export const initialState = (name: string): string => `initial/${name}`;
export const finalState = (name: string): string => `final/${name}`;
