/** A service of a .proto text as `@grpc/grpc-js` takes it; messages are coded by protobufjs. */
import type { ServiceDefinition } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { fail } from '../../../src/core/errors.ts';

/** A request comes as a function that decodes it, so that bytes which are none can be answered by an error. */
export type LazyRequest = () => object;

/** @param name with its package, e.g. `grpc.health.v1.Health` */
export function serviceDefinition(proto: string, name: string): ServiceDefinition {
  const { root } = protobuf.parse(proto);
  root.resolveAll();
  const methods = Object.entries(root.lookupService(name).methods).map(([method, types]) => {
    const [requestType, responseType] = [types.resolvedRequestType, types.resolvedResponseType] as [
      protobuf.Type,
      protobuf.Type,
    ];
    return [
      method,
      {
        path: `/${name}/${method}`,
        requestStream: types.requestStream === true,
        responseStream: types.responseStream === true,
        requestSerialize: (value: object) => encode(requestType, value),
        requestDeserialize:
          (bytes: Buffer): LazyRequest =>
          () =>
            decode(requestType, bytes),
        responseSerialize: (value: object) => encode(responseType, value),
        responseDeserialize: (bytes: Buffer) => decode(responseType, bytes),
      },
    ] as const;
  });
  return Object.fromEntries(methods);
}

function encode(type: protobuf.Type, value: object): Buffer {
  return Buffer.from(type.encode(type.fromObject(value)).finish());
}

/** Numbers of 64 bits as numbers: shapes and ids are far below 2^53, and what is above is refused either way. */
const asPlain: protobuf.IConversionOptions = { longs: Number, defaults: true, arrays: true, objects: true };

/** @throws REQUEST_INVALID */
function decode(type: protobuf.Type, bytes: Buffer): object {
  try {
    return type.toObject(type.decode(bytes), asPlain);
  } catch (error) {
    const reason = (error as Error).message;
    return fail('REQUEST_INVALID', `the message is no ${type.name}: ${reason}`, 'Send it as protobuf.', error);
  }
}
