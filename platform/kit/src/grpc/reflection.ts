/**
 * gRPC server reflection, v1 and v1alpha (the same messages under two names), from the descriptor set that buf builds.
 * Tools like grpcurl ask it what there is. The descriptors are loaded with the first question.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { ServiceDefinition } from '@grpc/grpc-js'
import type { GrpcHandler } from '../api.ts'
import { grpcStatus } from './status.ts'

/** ServerReflectionRequest, by the number of the field that is set. */
export interface ReflectionRequest {
  bytes: Buffer
  ask: 'fileByFilename' | 'fileContainingSymbol' | 'listServices' | 'other'
  value: string
}

const askOf: Readonly<Record<number, ReflectionRequest['ask']>> = {
  3: 'fileByFilename',
  4: 'fileContainingSymbol',
  7: 'listServices',
}

const readRequest = (bytes: Buffer): ReflectionRequest => {
  const reader = new BinaryReader(bytes)
  const request: ReflectionRequest = { bytes, ask: 'other', value: '' }
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag()
    const ask = askOf[field]
    if (ask !== undefined && wireType === WireType.LengthDelimited)
      Object.assign(request, { ask, value: reader.string() })
    else reader.skip(wireType)
  }
  return request
}

const submessage = (writer: BinaryWriter, field: number, write: (inner: BinaryWriter) => void): BinaryWriter => {
  writer.uint32((field << 3) | WireType.LengthDelimited).fork()
  write(writer)
  return writer.join()
}

/** ServerReflectionResponse {original_request = 2, then one of the answers}. */
const response = (request: ReflectionRequest, field: number, write: (inner: BinaryWriter) => void): Buffer => {
  const writer = new BinaryWriter().uint32((2 << 3) | WireType.LengthDelimited).bytes(request.bytes)
  return Buffer.from(submessage(writer, field, write).finish())
}

const answerFiles = (request: ReflectionRequest, files: readonly Uint8Array[]) =>
  response(request, 4, (inner) => {
    for (const file of files) inner.uint32((1 << 3) | WireType.LengthDelimited).bytes(file)
  })

const answerServices = (request: ReflectionRequest, names: readonly string[]) =>
  response(request, 6, (inner) => {
    for (const name of names)
      submessage(inner, 1, (row) => row.uint32((1 << 3) | WireType.LengthDelimited).string(name))
  })

const answerError = (request: ReflectionRequest, code: number, message: string) =>
  response(request, 7, (inner) =>
    inner
      .uint32(1 << 3)
      .int32(code)
      .uint32((2 << 3) | WireType.LengthDelimited)
      .string(message),
  )

interface FileIndex {
  byName: ReadonlyMap<string, { bytes: Uint8Array; dependencies: readonly string[] }>
  /** Full name of a message, enum, service or method → file. */
  bySymbol: ReadonlyMap<string, string>
}

type Field = { field: number; bytes: Uint8Array }
const lengthDelimited = (bytes: Uint8Array): Field[] => {
  const reader = new BinaryReader(bytes)
  const fields: Field[] = []
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag()
    if (wireType === WireType.LengthDelimited) fields.push({ field, bytes: reader.bytes() })
    else reader.skip(wireType)
  }
  return fields
}

const decoder = new TextDecoder()
const texts = (fields: readonly Field[], wanted: number) =>
  fields.filter(({ field }) => field === wanted).map(({ bytes }) => decoder.decode(bytes))
const parts = (fields: readonly Field[], wanted: number) =>
  fields.filter(({ field }) => field === wanted).map(({ bytes }) => lengthDelimited(bytes))

/** google.protobuf.FileDescriptorSet {repeated FileDescriptorProto file = 1}, field numbers of descriptor.proto. */
export const indexDescriptors = (set: Uint8Array): FileIndex => {
  const byName = new Map<string, { bytes: Uint8Array; dependencies: readonly string[] }>()
  const bySymbol = new Map<string, string>()
  for (const { field, bytes } of lengthDelimited(set)) {
    if (field !== 1) continue
    const file = lengthDelimited(bytes)
    const [name = ''] = texts(file, 1)
    const [packageName = ''] = texts(file, 2)
    byName.set(name, { bytes, dependencies: texts(file, 3) })
    const add = (scope: string, part: readonly Field[]): string => {
      const fullName = scope === '' ? (texts(part, 1)[0] ?? '') : `${scope}.${texts(part, 1)[0] ?? ''}`
      bySymbol.set(fullName, name)
      return fullName
    }
    const addMessage = (scope: string, message: readonly Field[]) => {
      const fullName = add(scope, message)
      for (const nested of parts(message, 3)) addMessage(fullName, nested)
      for (const nested of parts(message, 4)) add(fullName, nested)
    }
    for (const message of parts(file, 4)) addMessage(packageName, message)
    for (const enumeration of parts(file, 5)) add(packageName, enumeration)
    for (const service of parts(file, 6)) {
      const fullName = add(packageName, service)
      for (const method of parts(service, 2)) add(fullName, method)
    }
  }
  return { byName, bySymbol }
}

/** A file and all that it imports, itself first. */
const withDependencies = (index: FileIndex, name: string): Uint8Array[] => {
  const found = new Map<string, Uint8Array>()
  const visit = (fileName: string) => {
    const file = index.byName.get(fileName)
    if (file === undefined || found.has(fileName)) return
    found.set(fileName, file.bytes)
    for (const dependency of file.dependencies) visit(dependency)
  }
  visit(name)
  return [...found.values()]
}

/**
 * The bytes that answer one reflection request (grpc.reflection.v1).
 * @param services full names that are listed
 */
export const answerReflection = (index: FileIndex, services: readonly string[], request: ReflectionRequest): Buffer => {
  if (request.ask === 'listServices') return answerServices(request, services)
  if (request.ask === 'other')
    return answerError(request, grpcStatus.UNIMPLEMENTED, 'proto3 contracts have no extensions')
  const name = request.ask === 'fileByFilename' ? request.value : index.bySymbol.get(request.value)
  const files = name === undefined ? [] : withDependencies(index, name)
  return files.length === 0
    ? answerError(request, grpcStatus.NOT_FOUND, `${request.value} is not known here`)
    : answerFiles(request, files)
}

const definitionOf = (version: 'v1' | 'v1alpha') => ({
  serverReflectionInfo: {
    path: `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
    requestStream: true,
    responseStream: true,
    requestSerialize: (request: ReflectionRequest) => request.bytes,
    requestDeserialize: readRequest,
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  },
})

const serviceName = (definition: ServiceDefinition): string[] =>
  Object.values(definition)
    .slice(0, 1)
    .map((method) => method.path.split('/')[1] ?? '')

/** The reflection services of a server with these handlers. */
export const reflectionHandlers = (handlers: readonly GrpcHandler[]): GrpcHandler[] => {
  const services = [...handlers.flatMap((handler) => serviceName(handler.definition)), 'grpc.health.v1.Health']
  let loading: Promise<FileIndex> | undefined
  const load = async () => {
    const { descriptors } = await import('@svyaz/contracts/proto/generated/descriptors.ts')
    return indexDescriptors(Buffer.from(descriptors, 'base64'))
  }
  return (['v1', 'v1alpha'] as const).map((version) => ({
    definition: definitionOf(version) as unknown as ServiceDefinition,
    access: {},
    implementation: {
      serverReflectionInfo: async function* (requests: AsyncIterable<ReflectionRequest>) {
        for await (const request of requests) {
          loading ??= load()
          yield answerReflection(await loading, services, request)
        }
      },
    },
  }))
}
