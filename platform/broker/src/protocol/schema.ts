/**
 * The vocabulary in which the messages of the protocol are written down (messages/*.ts): a message is a value, each
 * field of it has a type, the versions it exists in and a default. The TypeScript types below, the decoders and the
 * encoders (codec.ts) all derive from that one value; there is no file per version.
 *
 * Authority for every field: the message definitions of Apache Kafka (clients/src/main/resources/common/message).
 * The names are theirs, in lower camel case.
 */

export type Kind =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records'
  | 'array'
  | 'struct'

export interface Options<Value> {
  /** First version that has the field; 0 when left out. */
  readonly since?: number
  /** Last version that has it. */
  readonly until?: number
  /** First version in which it may be null. */
  readonly nullableSince?: number
  /** What a version without the field is read as. A field with a default may be left out when writing. */
  readonly default?: Value
  /** The field is a tagged one with this number: present only when it differs from the default. */
  readonly tag?: number
}

declare const read: unique symbol
declare const written: unique symbol
declare const optional: unique symbol

/** One field. The type parameters: what decoding gives, what encoding takes, whether encoding may do without. */
export interface Field<Read = unknown, Written = unknown, Optional extends boolean = boolean> {
  readonly kind: Kind
  readonly since: number
  readonly until: number
  readonly nullableSince: number
  readonly default: unknown
  readonly tag: number | undefined
  /** Of a struct, and of an array of structs. */
  readonly shape?: Shape
  /** Of an array of anything else. */
  readonly element?: Field
  readonly [read]?: Read
  readonly [written]?: Written
  readonly [optional]?: Optional
}

export interface Shape {
  readonly [name: string]: Field
}

export interface Message<S extends Shape = Shape> {
  readonly name: string
  /** First version with compact lengths and tag buffers (KIP-482). */
  readonly flexibleSince: number
  readonly fields: S
}

/** A message as the decoder gives it: every field is there, with its default where the version lacks it. */
export type Decoded<S extends Shape> = {
  readonly [Name in keyof S]: S[Name] extends Field<infer Value, unknown, boolean> ? Value : never
}

type OptionalNames<S extends Shape> = {
  [Name in keyof S]: S[Name] extends Field<unknown, unknown, true> ? Name : never
}[keyof S]

/** A message as the encoder takes it. */
export type Encodable<S extends Shape> = {
  readonly [Name in Exclude<keyof S, OptionalNames<S>>]: S[Name] extends Field<unknown, infer Value, boolean>
    ? Value
    : never
} & {
  readonly [Name in OptionalNames<S>]?: S[Name] extends Field<unknown, infer Value, boolean> ? Value : never
}

export type DecodedMessage<M> = M extends Message<infer S> ? Decoded<S> : never
export type EncodableMessage<M> = M extends Message<infer S> ? Encodable<S> : never

type Nullable<O> = O extends { readonly nullableSince: number } ? null : never
type MayBeLeftOut<O> = O extends { readonly default: unknown } | { readonly until: number } | { readonly tag: number }
  ? true
  : false
type Scalar<Value, O> = Field<Value | Nullable<O>, Value | Nullable<O>, MayBeLeftOut<O>>

const NEVER = 32_767

function field(
  kind: Kind,
  zero: unknown,
  options: Options<unknown>,
  extra: { shape?: Shape; element?: Field } = {},
): Field {
  const nullableSince = options.nullableSince ?? NEVER
  const fallback = 'default' in options ? options.default : nullableSince === NEVER ? zero : null
  return {
    kind,
    since: options.since ?? 0,
    until: options.until ?? NEVER,
    nullableSince,
    default: fallback,
    tag: options.tag,
    ...extra,
  }
}

/**
 * Declares a message; keeps the exact types of its fields.
 * @param flexibleSince first version with compact types and tagged fields (KIP-482)
 */
export const message = <const S extends Shape>(name: string, flexibleSince: number, fields: S): Message<S> => ({
  name,
  flexibleSince,
  fields,
})

/** For a message that never became flexible. */
export const neverFlexible = NEVER

type Of<Value> = <const O extends Options<Value | null> = Record<never, never>>(options?: O) => Scalar<Value, O>

const scalar =
  (kind: Kind, zero: unknown) =>
  (options: Options<unknown> = {}) =>
    field(kind, zero, options)

export const bool = scalar('bool', false) as Of<boolean>
export const int8 = scalar('int8', 0) as Of<number>
export const int16 = scalar('int16', 0) as Of<number>
export const int32 = scalar('int32', 0) as Of<number>
export const int64 = scalar('int64', 0n) as Of<bigint>
/** Canonical lower-case text. */
export const uuid = scalar('uuid', '00000000-0000-0000-0000-000000000000') as Of<string>
export const string = scalar('string', '') as Of<string>
export const bytes = scalar('bytes', Buffer.alloc(0)) as Of<Buffer>
/** Record batches, as contiguous pieces that are never copied. Decoding gives one piece. */
export const records = scalar('records', []) as Of<readonly Buffer[]>

export const ZERO_UUID = '00000000-0000-0000-0000-000000000000'

/** An array of structs. */
export function array<const S extends Shape, const O extends Options<null | readonly []> = Record<never, never>>(
  shape: S,
  options: O = {} as O,
): Field<readonly Decoded<S>[] | Nullable<O>, readonly Encodable<S>[] | Nullable<O>, MayBeLeftOut<O>> {
  return field('array', [], options, { shape }) as never
}

/** An array of scalars. */
export function arrayOf<Value, const O extends Options<null | readonly []> = Record<never, never>>(
  element: Field<Value, Value, boolean>,
  options: O = {} as O,
): Field<readonly Value[] | Nullable<O>, readonly Value[] | Nullable<O>, MayBeLeftOut<O>> {
  return field('array', [], options, { element }) as never
}

/** A struct as a tagged field: undefined when it is not sent. */
export function taggedStruct<const S extends Shape>(
  shape: S,
  options: { readonly since: number; readonly tag: number },
): Field<Decoded<S> | undefined, Encodable<S> | undefined, true> {
  return field('struct', undefined, options, { shape }) as never
}
