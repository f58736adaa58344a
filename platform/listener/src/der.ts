/**
 * The part of ASN.1's distinguished encoding rules (X.690) that a certificate needs. Pure; values go in, bytes come out.
 * Why it is written here: docs/decisions/0076.
 */

const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

const wrapped = (kind: number, content: Uint8Array): Buffer => {
  const { length } = content
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  const size = length < 0x80 ? [length] : [0x80 | bytes.length, ...bytes]
  return Buffer.concat([Buffer.from([kind, ...size]), content])
}

/** Values one after the other, in that order. */
export const sequence = (...values: readonly Uint8Array[]): Buffer => wrapped(tag.sequence, Buffer.concat(values))

/** One value as a set: sets of several have an order of their own, which nothing here needs. */
export const setOf = (value: Uint8Array): Buffer => wrapped(tag.set, value)

/** A non-negative integer from its big-endian bytes. */
export const unsigned = (bytes: Uint8Array): Buffer => {
  let from = 0
  while (from < bytes.length - 1 && bytes[from] === 0) from++
  const least = bytes.subarray(from)
  // A first bit of 1 would make it negative.
  return wrapped(tag.integer, (least[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), least]) : least)
}

/** Bits that fill whole bytes, as keys and signatures do. */
export const bitString = (bytes: Uint8Array): Buffer => wrapped(tag.bitString, Buffer.concat([Buffer.from([0]), bytes]))

/**
 * A bit string of named flags: DER leaves trailing zero bits away.
 * @param bits the numbers of those that are set, below 8
 */
export const flags = (...bits: readonly number[]): Buffer => {
  let byte = 0
  for (const bit of bits) byte |= 0x80 >> bit
  return wrapped(tag.bitString, Buffer.from([7 - Math.max(...bits), byte]))
}

/** Bytes as they are. */
export const octetString = (bytes: Uint8Array): Buffer => wrapped(tag.octetString, bytes)

/** TRUE; a value that is FALSE by default is left out instead. */
export const yes = (): Buffer => wrapped(tag.boolean, Buffer.from([0xff]))

/** Text. */
/** A UTF8String (X.690). */
export const utf8 = (text: string): Buffer => wrapped(tag.utf8String, Buffer.from(text))

/** An object identifier, e.g. `2.5.29.17`. */
export const objectId = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const parts = [arc & 0x7f]
    for (let left = arc >>> 7; left > 0; left >>>= 7) parts.unshift(0x80 | (left & 0x7f))
    return parts
  })
  return wrapped(tag.objectId, Buffer.from(bytes))
}

/** A moment to the second, as RFC 5280, 4.1.2.5 wants it: in two digits of the year until 2049, in four after. */
export const time = (ms: number): Buffer => {
  const at = new Date(ms)
  const digits = at.toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  return at.getUTCFullYear() < 2050
    ? wrapped(tag.utcTime, Buffer.from(digits.slice(2)))
    : wrapped(tag.generalizedTime, Buffer.from(digits))
}

/** A value under a number of its context; `constructed` holds values, not bytes. */
export const tagged = (number: number, content: Uint8Array, constructed = false): Buffer =>
  wrapped(0x80 | (constructed ? 0x20 : 0) | number, content)
