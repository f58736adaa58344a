/** The gRPC methods of the contracts, by their descriptors: JSON to messages and back. Loaded when a page calls one. */
import {
  createFileRegistry,
  type DescMethod,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { descriptors } from '@svyaz/contracts/proto/generated/descriptors.ts'
import { publicGrpcMethods } from '@svyaz/contracts/proto/public.ts'

export interface GrpcMethod {
  readonly streams: boolean
  /** @throws Error that names the field which doesn't fit */
  encode(message: unknown): Uint8Array
  decode(bytes: Uint8Array): unknown
}

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, Buffer.from(descriptors, 'base64')))
const methods = new Map<string, DescMethod>(
  [...registry].flatMap((one) =>
    one.kind === 'service'
      ? one.methods.map((method): [string, DescMethod] => [`${one.typeName}/${method.name}`, method])
      : [],
  ),
)

/** The public method of that name (`package.Service/Method`). */
export function grpcMethod(name: unknown): GrpcMethod | undefined {
  const known = publicGrpcMethods.find((one) => one === name)
  const method = known === undefined ? undefined : methods.get(known)
  if (method === undefined) return undefined
  return {
    streams: method.methodKind === 'server_streaming',
    encode: (message) => toBinary(method.input, fromJson(method.input, message as JsonValue)),
    decode: (bytes) => toJson(method.output, fromBinary(method.output, bytes), { alwaysEmitImplicit: true }),
  }
}
