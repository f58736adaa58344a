/**
 * What the API page knows: the published OpenAPI and AsyncAPI documents, the schema of the graph and the gRPC services,
 * each reduced to what a form and a reader need. Made of the contracts while the page is built (`virtual:api`).
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createFileRegistry, type DescField, type DescMethod, fromBinary, ScalarType } from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { operations as documents } from '@svyaz/contracts/graphql/generated/operations.ts'
import { descriptors } from '@svyaz/contracts/proto/generated/descriptors.ts'
import { publicGrpcMethods } from '@svyaz/contracts/proto/public.ts'
import { buildSchema, isEnumType, isInterfaceType, isIntrospectionType, isObjectType } from 'graphql'

/** JSON Schema, without what only a validator needs. */
export interface Schema {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly description?: string
  readonly examples?: readonly unknown[]
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly description?: string
  readonly schema: Schema
}

export interface Operation {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly group: string
  readonly summary: string
  /** Who may call it, in a sentence. */
  readonly callers: string
  readonly parameters: readonly Parameter[]
  readonly body?: { readonly type: string; readonly required: boolean; readonly schema: Schema }
  /** The answer of success is a stream of server-sent events. */
  readonly streams: boolean
}

export interface GraphField {
  readonly name: string
  readonly type: string
  /** The type without its brackets and marks. */
  readonly named: string
  readonly description?: string
  readonly args: readonly { readonly name: string; readonly type: string; readonly default?: string }[]
}
export interface GraphType {
  readonly name: string
  readonly description?: string
  readonly fields: readonly GraphField[]
  readonly values: readonly string[]
}

export interface GrpcMethod {
  /** `package.Service/Method`. */
  readonly name: string
  /** The .proto that declares it. */
  readonly file: string
  readonly request: Schema
  readonly answer: Schema
  /** Which side sends many messages. */
  readonly kind: 'unary' | 'client_streaming' | 'server_streaming' | 'bidi_streaming'
  /** Users may call it through the gateway. */
  readonly open: boolean
}

export interface Channel {
  readonly name: string
  readonly address: string
  readonly protocol: 'kafka' | 'ws'
  readonly summary: string
  readonly description: string
  readonly senders: readonly string[]
  readonly receivers: readonly string[]
  readonly messages: readonly { readonly name: string; readonly payload: Schema }[]
}

export interface DeclaredApi {
  readonly operations: readonly Operation[]
  readonly graph: {
    readonly types: readonly GraphType[]
    readonly documents: Readonly<Record<string, string>>
  }
  readonly grpc: readonly GrpcMethod[]
  readonly channels: readonly Channel[]
}

type Json = { readonly [name: string]: unknown }

const contracts = dirname(createRequire(import.meta.url).resolve('@svyaz/contracts/vocabulary.ts'))
/** A document that is made of the contracts and kept beside them: making it again takes seconds. */
const published = (path: string): string => readFileSync(join(contracts, path), 'utf8')

// ---------------------------------------------------------------- schemas

const kept = ['type', 'enum', 'default', 'description', 'examples', 'format', 'minimum', 'maximum', 'maxLength']
/** Deeper than any schema of the contracts is, but for values that are any JSON. */
const depthMax = 8

/** Patterns stay with the services: a form shows what they refuse. */
function reduced(given: unknown, depth = 0): Schema {
  const all = (given ?? {}) as Json
  const options = (all.anyOf ?? all.oneOf) as readonly Json[] | undefined
  const real = options?.filter(({ type }) => type !== 'null')
  if (real !== undefined && real.length > 0 && all.type === undefined && depth < depthMax) {
    const { anyOf: _, oneOf: __, ...rest } = all
    return reduced({ ...rest, ...(real.every(({ const: only }) => only !== undefined) ? union(real) : real[0]) }, depth)
  }
  const own = Object.fromEntries(kept.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])))
  if (all.const !== undefined) own.enum = [all.const]
  // The bounds of JavaScript's whole numbers say nothing to a person.
  for (const name of ['minimum', 'maximum'])
    if (Math.abs(Number(own[name])) >= Number.MAX_SAFE_INTEGER) delete own[name]
  if (depth >= depthMax) return own
  const { properties, required, items } = all as { properties?: Json; required?: readonly string[]; items?: unknown }
  return {
    ...own,
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, reduced(one, depth + 1)])),
    }),
    ...(required && required.length > 0 && { required }),
    ...(items !== undefined && { items: reduced(items, depth + 1) }),
  }
}

const union = (options: readonly Json[]): Json => ({
  type: options[0]?.type,
  enum: options.map(({ const: only }) => only),
})

// ---------------------------------------------------------------- REST

interface OpenApiOperation {
  readonly operationId: string
  readonly summary: string
  readonly description: string
  readonly tags: readonly string[]
  readonly parameters?: readonly {
    name: string
    in: Parameter['in']
    required: boolean
    description?: string
    schema: unknown
  }[]
  readonly requestBody?: { required: boolean; content: Record<string, { schema: unknown }> }
  readonly responses: Readonly<Record<string, { content?: Json }>>
}

function operations(): Operation[] {
  const { paths } = JSON.parse(published('generated/openapi.json')) as {
    paths: Record<string, Record<string, OpenApiOperation>>
  }
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => operationOf(path, method.toUpperCase(), one)),
  )
}

function operationOf(path: string, method: string, one: OpenApiOperation): Operation {
  const [type, content] = Object.entries(one.requestBody?.content ?? {})[0] ?? []
  return {
    id: one.operationId,
    method,
    path,
    group: one.tags[0] ?? '',
    summary: one.summary,
    callers: one.description,
    parameters: (one.parameters ?? []).map(({ name, in: where, required, description, schema }) => ({
      name,
      in: where,
      required,
      ...(description === undefined ? {} : { description }),
      schema: reduced(schema),
    })),
    ...(type === undefined || content === undefined
      ? {}
      : { body: { type, required: one.requestBody?.required === true, schema: reduced(content.schema) } }),
    streams: Object.values(one.responses).some(({ content: answer }) => answer?.['text/event-stream'] !== undefined),
  }
}

// ---------------------------------------------------------------- GraphQL

function graphTypes(): GraphType[] {
  const schema = buildSchema(published('graphql/generated/published.graphql'))
  const roots = ['Query', 'Subscription']
  return Object.values(schema.getTypeMap())
    .filter((type) => !isIntrospectionType(type))
    .flatMap((type): GraphType[] => {
      const common = { name: type.name, ...(type.description ? { description: type.description } : {}) }
      if (isEnumType(type)) return [{ ...common, fields: [], values: type.getValues().map(({ name }) => name) }]
      if (!isObjectType(type) && !isInterfaceType(type)) return []
      const fields = Object.values(type.getFields()).map((field) => ({
        name: field.name,
        type: String(field.type),
        named: String(field.type).replace(/[[\]!]/g, ''),
        ...(field.description ? { description: field.description } : {}),
        args: field.args.map(({ name, type: given, defaultValue }) => ({
          name,
          type: String(given),
          ...(defaultValue === undefined ? {} : { default: JSON.stringify(defaultValue) }),
        })),
      }))
      return [{ ...common, fields, values: [] }]
    })
    .sort((a, b) => rank(roots, a.name) - rank(roots, b.name) || (a.name < b.name ? -1 : 1))
}

const rank = (first: readonly string[], name: string): number => {
  const found = first.indexOf(name)
  return found < 0 ? first.length : found
}

// ---------------------------------------------------------------- gRPC

function grpcMethods(): GrpcMethod[] {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, Buffer.from(descriptors, 'base64')))
  const open = new Set<string>(publicGrpcMethods)
  const methods = [...registry].flatMap((one) => (one.kind === 'service' ? one.methods : []))
  return methods
    .map((method: DescMethod): GrpcMethod => {
      const name = `${method.parent.typeName}/${method.name}`
      return {
        name,
        file: `${method.parent.file.name}.proto`,
        request: messageSchema(method.input.fields),
        answer: messageSchema(method.output.fields),
        kind: method.methodKind,
        open: open.has(name),
      }
    })
    .sort((a, b) => Number(b.open) - Number(a.open) || (a.name < b.name ? -1 : 1))
}

/** As the JSON mapping of protobuf writes a message. */
const messageSchema = (fields: readonly DescField[], depth = 0): Schema => ({
  type: 'object',
  properties:
    depth > depthMax ? {} : Object.fromEntries(fields.map((field) => [field.jsonName, fieldSchema(field, depth)])),
})

function fieldSchema(field: DescField, depth: number): Schema {
  const one = (): Schema => {
    if (field.message !== undefined) return messageSchema(field.message.fields, depth + 1)
    if (field.enum !== undefined) return { type: 'string', enum: field.enum.values.map(({ name }) => name) }
    return scalarSchema(field.scalar)
  }
  return field.fieldKind === 'list' ? { type: 'array', items: one() } : one()
}

/** 64-bit numbers are texts in JSON. */
const scalarSchema = (scalar: ScalarType | undefined): Schema => {
  if (scalar === ScalarType.BOOL) return { type: 'boolean' }
  if (scalar === ScalarType.DOUBLE || scalar === ScalarType.FLOAT) return { type: 'number' }
  if (scalar === ScalarType.INT32 || scalar === ScalarType.UINT32) return { type: 'integer' }
  return { type: 'string' }
}

// ---------------------------------------------------------------- channels

interface AsyncApi {
  readonly channels: Readonly<
    Record<
      string,
      { address: string; summary: string; description: string; servers: readonly { $ref: string }[]; messages: Json }
    >
  >
  readonly operations: Readonly<
    Record<string, { action: 'send' | 'receive'; channel: { $ref: string }; 'x-service': string }>
  >
  readonly components: { readonly messages: Readonly<Record<string, { name: string; payload: unknown }>> }
}

function channels(): Channel[] {
  const document = JSON.parse(published('generated/asyncapi.json')) as AsyncApi
  const sides = Object.values(document.operations)
  return Object.entries(document.channels).map(([name, { address, summary, description, servers, messages }]) => {
    const those = (action: 'send' | 'receive') =>
      sides
        .filter((one) => one.action === action && one.channel.$ref === `#/channels/${name}`)
        .map((one) => one['x-service'])
    return {
      name,
      address,
      protocol: servers[0]?.$ref.endsWith('/gateway') ? 'ws' : 'kafka',
      summary,
      description,
      senders: those('send'),
      receivers: those('receive'),
      messages: Object.keys(messages).flatMap((key) => {
        const one = document.components.messages[key]
        return one === undefined ? [] : [{ name: one.name, payload: reduced(one.payload) }]
      }),
    }
  })
}

/** Everything that the API page shows. */
export const declaredApi = (): DeclaredApi => ({
  operations: operations(),
  graph: { types: graphTypes(), documents },
  grpc: grpcMethods(),
  channels: channels(),
})
