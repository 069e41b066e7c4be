/**
 * gRPC's reflection service, from which `grpcurl` and the like learn what a server has: its services, and the .proto
 * files that they stand in. https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
 */
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';

/** `v1alpha` is what clients asked for before 2023; the two differ in their name only. */
export const reflectionServices = ['v1', 'v1alpha'].map((version) => ({
  name: `grpc.reflection.${version}.ServerReflection`,
  proto: `
syntax = "proto3";

package grpc.reflection.${version};

service ServerReflection { rpc ServerReflectionInfo(stream ServerReflectionRequest) returns (stream ServerReflectionResponse); }

message ServerReflectionRequest {
  string host = 1;
  oneof message_request {
    string file_by_filename = 3;
    string file_containing_symbol = 4;
    ExtensionRequest file_containing_extension = 5;
    string all_extension_numbers_of_type = 6;
    string list_services = 7;
  }
}
message ExtensionRequest { string containing_type = 1; int32 extension_number = 2; }

message ServerReflectionResponse {
  string valid_host = 1;
  ServerReflectionRequest original_request = 2;
  oneof message_response {
    FileDescriptorResponse file_descriptor_response = 4;
    ExtensionNumberResponse all_extension_numbers_response = 5;
    ListServiceResponse list_services_response = 6;
    ErrorResponse error_response = 7;
  }
}
message FileDescriptorResponse { repeated bytes file_descriptor_proto = 1; }
message ExtensionNumberResponse { string base_type_name = 1; repeated int32 extension_number = 2; }
message ListServiceResponse { repeated ServiceResponse service = 1; }
message ServiceResponse { string name = 1; }
message ErrorResponse { int32 error_code = 1; string error_message = 2; }
`,
}));

/** A request as it was read, with exactly one of the choices, or none. */
export interface ReflectionRequest {
  readonly host?: string;
  readonly fileByFilename?: string;
  readonly fileContainingSymbol?: string;
  readonly fileContainingExtension?: object;
  readonly allExtensionNumbersOfType?: string;
  readonly listServices?: string;
}

/** gRPC's status NOT_FOUND, and what a client gets that asks for nothing. */
const [notFound, invalidArgument] = [5, 3];

/** @returns what answers a request about the services of these .proto texts, each in a file of its own */
export function createReflection(protos: readonly string[]): (request: ReflectionRequest) => object {
  const root = new protobuf.Root();
  for (const text of protos) protobuf.parse(text, root, { keepCase: true });
  root.resolveAll();
  const files = new Map<string, Uint8Array>();
  const fileOf = new Map<string, string>();
  const services: string[] = [];
  for (const file of root.toDescriptor('proto3').file) {
    const name = file.name ?? '';
    for (const message of file.messageType ?? []) nameMapEntries(message);
    files.set(name, descriptor.FileDescriptorProto.encode(file).finish());
    for (const symbol of symbolsOf(root.lookup(file.package ?? ''))) fileOf.set(symbol, name);
    for (const service of file.service ?? []) services.push(`${file.package}.${service.name}`);
  }

  const file = (name: string | undefined, what: string) => {
    const bytes = files.get(name ?? '');
    return bytes
      ? { fileDescriptorResponse: { fileDescriptorProto: [bytes] } }
      : refusal(notFound, `this server has no ${what}`);
  };
  return (request) => ({ validHost: request.host ?? '', originalRequest: request, ...answer(request) });

  function answer(request: ReflectionRequest): object {
    const { fileByFilename, fileContainingSymbol, allExtensionNumbersOfType } = request;
    if (request.listServices !== undefined)
      return { listServicesResponse: { service: services.map((name) => ({ name })) } };
    if (fileByFilename !== undefined) return file(fileByFilename, `file ${fileByFilename}`);
    if (fileContainingSymbol !== undefined)
      return file(fileOf.get(fileContainingSymbol), `symbol ${fileContainingSymbol}`);
    if (allExtensionNumbersOfType !== undefined && fileOf.has(allExtensionNumbersOfType))
      return { allExtensionNumbersResponse: { baseTypeName: allExtensionNumbersOfType } };
    if (allExtensionNumbersOfType !== undefined)
      return refusal(notFound, `this server has no message ${allExtensionNumbersOfType}`);
    if (request.fileContainingExtension) return refusal(notFound, 'this server has no extensions');
    return refusal(invalidArgument, 'the request asks for nothing');
  }
}

function refusal(errorCode: number, errorMessage: string): object {
  return { errorResponse: { errorCode, errorMessage } };
}

/** Full names of services, messages, enums, methods and fields, without the dot in front. */
function symbolsOf(given: protobuf.ReflectionObject | null): string[] {
  if (!given) return [];
  const below = [
    ...(given instanceof protobuf.Namespace ? given.nestedArray : []),
    ...(given instanceof protobuf.Type ? given.fieldsArray : []),
    ...(given instanceof protobuf.Service ? given.methodsArray : []),
  ];
  return [given.fullName.slice(1), ...below.flatMap(symbolsOf)];
}

/** protobufjs calls the message of a map's entry `Parameters`, where the language has `ParametersEntry`. */
function nameMapEntries(message: descriptor.IDescriptorProto): void {
  for (const nested of message.nestedType ?? []) {
    nameMapEntries(nested);
    if (!nested.options?.mapEntry || nested.name?.endsWith('Entry')) continue;
    const whole = `${nested.name}Entry`;
    for (const field of message.field ?? []) if (field.typeName === nested.name) field.typeName = whole;
    nested.name = whole;
  }
}
