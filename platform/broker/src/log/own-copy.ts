/**
 * A copy in memory of its own, for what is kept long: a view would keep the whole request that it came in, a copy made by
 * `Buffer.from` the 64 kB of Node's buffer pool that it shares with whatever was copied around the same time.
 */
export function ownCopy(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return copy
}
