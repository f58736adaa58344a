/**
 * One look at a target as bytes: only what changed since the look before, or, now and then, everything. Of an idle
 * service's four hundred samples thirty change.
 *
 *   count    varint
 *   count ×  varint: how far its number is behind the one before (the first: behind -1)
 *            float64, little endian; NaN with all bits set: it isn't there any more
 */

/** A sample that is gone. Any other NaN is a value. */
const goneBytes = Buffer.alloc(8, 0xff)
const bytesPerChangeMax = 5 + 8

/** @param before the values of the look before, by number; undefined: everything is written
 * @param now undefined: it isn't there */
export function encodeChanges(
  before: readonly (number | undefined)[] | undefined,
  now: readonly (number | undefined)[],
): Buffer {
  const body = Buffer.allocUnsafe(5 + now.length * bytesPerChangeMax)
  let count = 0
  let last = -1
  let end = 5
  for (let n = 0; n < now.length; n += 1) {
    const value = now[n]
    if (before === undefined ? value === undefined : n < before.length && Object.is(before[n], value)) continue
    if (before !== undefined && n >= before.length && value === undefined) continue
    end = writeVarint(body, end, n - last)
    if (value === undefined) goneBytes.copy(body, end)
    else body.writeDoubleLE(value, end)
    end += 8
    last = n
    count += 1
  }
  // The count goes before what it counts, in five bytes of the same form.
  const head = Buffer.allocUnsafe(5)
  const headEnd = writeVarint(head, 0, count)
  return Buffer.concat([head.subarray(0, headEnd), body.subarray(5, end)])
}

/** Calls back for every change. Ends quietly where the bytes end. */
export function decodeChanges(body: Uint8Array, change: (n: number, value: number | undefined) => void): void {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; at < bytes.length; shift += 7) {
      const byte = bytes[at++] ?? 0
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) break
    }
    return value
  }
  let n = -1
  for (let left = varint(); left > 0 && at < bytes.length; left -= 1) {
    n += varint()
    if (at + 8 > bytes.length) return
    const isGone = bytes.readUInt32LE(at) === 0xffffffff && bytes.readUInt32LE(at + 4) === 0xffffffff
    change(n, isGone ? undefined : bytes.readDoubleLE(at))
    at += 8
  }
}

function writeVarint(into: Buffer, at: number, value: number): number {
  let rest = value
  let end = at
  while (rest > 0x7f) {
    into[end++] = (rest & 0x7f) | 0x80
    rest = Math.floor(rest / 128)
  }
  into[end++] = rest
  return end
}
