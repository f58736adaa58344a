/**
 * Decoders and encoders, made from a message's fields for one version at a time, on first use.
 *
 * Flexible versions (KIP-482): lengths are varints of length + 1 (0 = null), and every struct ends with a buffer of
 * tagged fields; unknown tags are skipped.
 */
import { MalformedMessage, Reader, Writer } from './bytes.ts'
import type { Decoded, Encodable, Field, Message, Shape } from './schema.ts'

type Decode<T = unknown> = (reader: Reader) => T
type Encode<T = unknown> = (writer: Writer, value: T) => void

interface Format {
  readonly version: number
  readonly flexible: boolean
}

const decoders = new WeakMap<Message, Decode[]>()
const encoders = new WeakMap<Message, Encode[]>()

/** Gives a function that reads one message of this version; it throws MalformedMessage. Trailing bytes are not judged. */
export function decoderOf<S extends Shape>(message: Message<S>, version: number): Decode<Decoded<S>> {
  return remembered(decoders, message, version, decodeStruct) as Decode<Decoded<S>>
}

/** Gives a function that writes one message of this version; fields that the version lacks are left out. */
export function encoderOf<S extends Shape>(message: Message<S>, version: number): Encode<Encodable<S>> {
  return remembered(encoders, message, version, encodeStruct) as Encode<Encodable<S>>
}

function remembered<T>(
  memory: WeakMap<Message, T[]>,
  message: Message,
  version: number,
  make: (shape: Shape, format: Format) => T,
): T {
  let versions = memory.get(message)
  if (versions === undefined) {
    versions = []
    memory.set(message, versions)
  }
  const known = versions[version]
  if (known !== undefined) return known
  const made = make(message.fields, { version, flexible: version >= message.flexibleSince })
  versions[version] = made
  return made
}

function exists(field: Field, { version }: Format): boolean {
  return version >= field.since && version <= field.until
}

// Decoding

function decodeStruct(shape: Shape, format: Format): Decode<Record<string, unknown>> {
  const plain: { name: string; decode: Decode }[] = []
  const tagged = new Map<number, { name: string; decode: Decode }>()
  const defaults: { name: string; value: unknown }[] = []
  for (const [name, field] of Object.entries(shape)) {
    if (!exists(field, format)) defaults.push({ name, value: field.default })
    else if (field.tag === undefined) plain.push({ name, decode: decodeField(field, format) })
    else {
      defaults.push({ name, value: field.default })
      tagged.set(field.tag, { name, decode: decodeField(field, format) })
    }
  }
  return (reader) => {
    const value: Record<string, unknown> = {}
    for (const { name, decode } of plain) value[name] = decode(reader)
    for (const { name, value: fallback } of defaults) value[name] = fallback
    if (format.flexible) decodeTags(reader, tagged, value)
    return value
  }
}

function decodeTags(
  reader: Reader,
  known: ReadonlyMap<number, { name: string; decode: Decode }>,
  into: Record<string, unknown>,
): void {
  for (let left = reader.unsignedVarint(); left > 0; left--) {
    const field = known.get(reader.unsignedVarint())
    const body = reader.slice(reader.unsignedVarint())
    if (field !== undefined) into[field.name] = field.decode(new Reader(body))
  }
}

function decodeField(field: Field, format: Format): Decode {
  const nullable = format.version >= field.nullableSince
  switch (field.kind) {
    case 'bool':
      return (reader) => reader.int8() !== 0
    case 'int8':
      return (reader) => reader.int8()
    case 'int16':
      return (reader) => reader.int16()
    case 'int32':
      return (reader) => reader.int32()
    case 'int64':
      return (reader) => reader.int64()
    case 'uuid':
      return (reader) => reader.uuid()
    case 'string': {
      const length = lengthReader(format, nullable, (reader) => reader.int16())
      return (reader) => {
        const bytes = length(reader)
        return bytes < 0 ? null : reader.text(bytes)
      }
    }
    case 'bytes':
    case 'records': {
      const length = lengthReader(format, nullable, (reader) => reader.int32())
      const inPieces = field.kind === 'records'
      return (reader) => {
        const bytes = length(reader)
        if (bytes < 0) return null
        const slice = reader.slice(bytes)
        return inPieces ? [slice] : slice
      }
    }
    case 'array': {
      const length = lengthReader(format, nullable, (reader) => reader.int32())
      const decode = field.shape ? decodeStruct(field.shape, format) : decodeField(field.element as Field, format)
      return (reader) => {
        const count = length(reader)
        if (count < 0) return null
        // Every element takes a byte at least, so a claimed count cannot make us allocate more than was sent.
        if (count > reader.remaining) throw new MalformedMessage(`an array claims ${count} elements`)
        const values: unknown[] = []
        for (let index = 0; index < count; index++) values.push(decode(reader))
        return values
      }
    }
    case 'struct':
      return decodeStruct(field.shape as Shape, format)
  }
}

/** Gives -1 for null. */
function lengthReader({ flexible }: Format, nullable: boolean, fixed: Decode<number>): Decode<number> {
  return (reader) => {
    const length = flexible ? reader.unsignedVarint() - 1 : fixed(reader)
    if (length < -1 || (length === -1 && !nullable)) throw new MalformedMessage(`a length of ${length}`)
    return length
  }
}

// Encoding

function encodeStruct(shape: Shape, format: Format): Encode {
  const plain: { name: string; fallback: unknown; encode: Encode }[] = []
  const tagged: { name: string; tag: number; encode: Encode }[] = []
  for (const [name, field] of Object.entries(shape)) {
    if (!exists(field, format)) continue
    const encode = encodeField(name, field, format)
    if (field.tag === undefined) plain.push({ name, fallback: field.default, encode })
    else tagged.push({ name, tag: field.tag, encode })
  }
  tagged.sort((left, right) => left.tag - right.tag)
  return (writer, value) => {
    const fields = value as Record<string, unknown>
    for (const { name, fallback, encode } of plain) {
      const given = fields[name]
      encode(writer, given === undefined ? fallback : given)
    }
    if (format.flexible) encodeTags(writer, tagged, fields)
  }
}

/** Tags go out in ascending order; a value that was not given is the default, which is never sent. */
function encodeTags(
  writer: Writer,
  tagged: readonly { name: string; tag: number; encode: Encode }[],
  fields: Record<string, unknown>,
): void {
  const present = tagged.filter(({ name }) => fields[name] !== undefined)
  writer.unsignedVarint(present.length)
  for (const { name, tag, encode } of present) {
    const body = new Writer()
    encode(body, fields[name])
    writer.unsignedVarint(tag)
    writer.unsignedVarint(body.length)
    for (const part of body.parts()) writer.reference(part)
  }
}

function encodeField(name: string, field: Field, format: Format): Encode {
  switch (field.kind) {
    case 'bool':
      return (writer, value) => writer.int8(value ? 1 : 0)
    case 'int8':
      return (writer, value) => writer.int8(value as number)
    case 'int16':
      return (writer, value) => writer.int16(value as number)
    case 'int32':
      return (writer, value) => writer.int32(value as number)
    case 'int64':
      return (writer, value) => writer.int64(value as bigint)
    case 'uuid':
      return (writer, value) => writer.uuid(value as string)
    case 'string':
      return encodeText(name, field, format)
    case 'bytes':
    case 'records':
      return encodeBytes(name, field, format)
    case 'array':
      return encodeArray(name, field, format)
    case 'struct':
      return encodeStruct(field.shape as Shape, format)
  }
}

function encodeText(name: string, field: Field, format: Format): Encode {
  const length = lengthWriter(format, (writer, bytes) => writer.int16(bytes))
  return encodeNullable<string>(name, field, format, length, (writer, text) => {
    const bytes = Buffer.byteLength(text)
    length(writer, bytes)
    writer.text(text, bytes)
  })
}

function encodeBytes(name: string, field: Field, format: Format): Encode {
  const length = lengthWriter(format, (writer, bytes) => writer.int32(bytes))
  return encodeNullable<Buffer | readonly Buffer[]>(name, field, format, length, (writer, value) => {
    const pieces = Buffer.isBuffer(value) ? [value] : value
    let bytes = 0
    for (const piece of pieces) bytes += piece.length
    length(writer, bytes)
    for (const piece of pieces) writer.reference(piece)
  })
}

function encodeArray(name: string, field: Field, format: Format): Encode {
  const length = lengthWriter(format, (writer, count) => writer.int32(count))
  const encode = field.shape ? encodeStruct(field.shape, format) : encodeField(name, field.element as Field, format)
  return encodeNullable<readonly unknown[]>(name, field, format, length, (writer, elements) => {
    length(writer, elements.length)
    for (const element of elements) encode(writer, element)
  })
}

/** Null is length -1, where the version has it. */
function encodeNullable<Value>(
  name: string,
  field: Field,
  { version }: Format,
  length: Encode<number>,
  encode: Encode<Value>,
): Encode {
  return (writer, value) => {
    if (value !== null) return encode(writer, value as Value)
    if (version < field.nullableSince) throw new TypeError(`${name} may not be null in version ${version}`)
    length(writer, -1)
  }
}

function lengthWriter({ flexible }: Format, fixed: Encode<number>): Encode<number> {
  return (writer, length) => {
    if (flexible) writer.unsignedVarint(length + 1)
    else fixed(writer, length)
  }
}
