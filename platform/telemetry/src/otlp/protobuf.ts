/**
 * Decodes protobuf (encoding of proto3) into the objects of OTLP's JSON mapping, so that both forms go the same way from
 * there; and encodes the few answers there are. Lengths are checked before anything is made of them.
 */
import { Malformed } from './malformed.ts'
import { type FieldForm, type MessageName, messages } from './messages.ts'

/** Attribute values may nest, and nothing else: eight levels are kept, each is two messages. */
const depthMax = 40
/** Of one request: two bytes may become an object of sixty. */
const messagesMax = 400_000

type Decoded = Record<string, unknown>

/** @throws Malformed for bytes that are not such a message */
export function decodeMessage(name: MessageName, bytes: Buffer): Decoded {
  return new Reader(bytes).message(name, bytes.length, 0)
}

class Reader {
  readonly #bytes: Buffer
  #at = 0
  #messages = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  message(name: MessageName, end: number, depth: number): Decoded {
    if (depth > depthMax) throw new Malformed('messages nest too deeply')
    this.#messages += 1
    if (this.#messages > messagesMax) throw new Malformed(`there are more than ${messagesMax} messages`)
    const fields = messages[name]
    const decoded: Decoded = {}
    while (this.#at < end) {
      const tag = Number(this.#varint(end))
      const field = fields[Math.floor(tag / 8)]
      if (field === undefined) this.#skip(tag % 8, end)
      else this.#field(decoded, field, tag % 8, end, depth)
    }
    if (this.#at !== end) throw new Malformed('a message is longer than it says')
    return decoded
  }

  #field(into: Decoded, [name, form]: readonly [string, FieldForm], wire: number, end: number, depth: number): void {
    if (form === 'fixed64*' || form === 'double*') {
      const list = listIn(into, name)
      const one = form === 'fixed64*' ? () => this.#fixed64() : () => this.#double()
      const until = wire === 2 ? this.#length(end) : this.#fits(8, end)
      if ((until - this.#at) % 8 !== 0) throw new Malformed(`${name} has half a number`)
      while (this.#at < until) list.push(one())
      return
    }
    const isList = form.endsWith('*')
    const value = this.#value(isList ? (form.slice(0, -1) as FieldForm) : form, wire, end, depth)
    if (isList) listIn(into, name).push(value)
    else into[name] = value
  }

  #value(form: FieldForm, wire: number, end: number, depth: number): unknown {
    if (wire !== wireOf(form)) throw new Malformed(`a field of the form ${form} is encoded otherwise`)
    switch (form) {
      case 'bool':
        return this.#varint(end) !== 0n
      case 'enum':
        return Number(BigInt.asIntN(32, this.#varint(end)))
      case 'int64':
        return BigInt.asIntN(64, this.#varint(end)).toString()
      case 'fixed64':
      case 'sfixed64':
        this.#fits(8, end)
        return form === 'fixed64' ? this.#fixed64() : this.#take(8).readBigInt64LE().toString()
      case 'double':
        this.#fits(8, end)
        return this.#double()
      default:
        return this.#delimited(form, end, depth)
    }
  }

  #delimited(form: FieldForm, end: number, depth: number): unknown {
    const until = this.#length(end)
    if (form in messages) return this.message(form as MessageName, until, depth + 1)
    const bytes = this.#take(until - this.#at)
    return bytes.toString(form === 'string' ? 'utf8' : form === 'hex' ? 'hex' : 'base64')
  }

  #fixed64 = (): string => this.#take(8).readBigUInt64LE().toString()
  #double = (): number | string => {
    const value = this.#take(8).readDoubleLE()
    return Number.isFinite(value) ? value : String(value)
  }

  #take(length: number): Buffer {
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  /** @returns where what has this length ends */
  #length(end: number): number {
    return this.#fits(Number(this.#varint(end)), end)
  }

  #fits(length: number, end: number): number {
    if (length > end - this.#at) throw new Malformed('a field is longer than its message')
    return this.#at + length
  }

  #varint(end: number): bigint {
    let small = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte(end)
      small += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return BigInt(small)
    }
    let value = BigInt(small)
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#byte(end)
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw new Malformed('a varint is too long')
  }

  #byte(end: number): number {
    if (this.#at >= end) throw new Malformed('a message ends early')
    return this.#bytes[this.#at++] as number
  }

  #skip(wire: number, end: number): void {
    if (wire === 0) this.#varint(end)
    else if (wire === 1) this.#at = this.#fits(8, end)
    else if (wire === 2) this.#at = this.#length(end)
    else if (wire === 5) this.#at = this.#fits(4, end)
    else throw new Malformed('a wire type that protobuf does not have')
  }
}

function listIn(into: Decoded, name: string): unknown[] {
  into[name] ??= []
  return into[name] as unknown[]
}

function wireOf(form: FieldForm): number {
  if (form === 'bool' || form === 'enum' || form === 'int64') return 0
  return form === 'fixed64' || form === 'sfixed64' || form === 'double' ? 1 : 2
}

/** `Export…ServiceResponse`: empty, or with `partial_success`. */
export function encodeAnswer(rejected: number, errorMessage: string): Buffer {
  if (rejected === 0) return Buffer.alloc(0)
  return delimited(1, Buffer.concat([Buffer.from([0x08]), varint(rejected), delimited(2, Buffer.from(errorMessage))]))
}

/** `google.rpc.Status` with its message. */
export const encodeStatus = (message: string): Buffer => delimited(2, Buffer.from(message))

const delimited = (field: number, bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from([field * 8 + 2]), varint(bytes.length), bytes])

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}
