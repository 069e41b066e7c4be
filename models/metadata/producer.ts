/** Who writes the files. A test keeps the version equal to that of package.json. */
export const producer = { name: 'recurrent-onnx', version: '0.1.0' } as const;
