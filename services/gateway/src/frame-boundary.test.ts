import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeFrame, createFrameTracker } from './frame-boundary.ts'

/** A server's frame; `length` decides the form of the length (RFC 6455, 5.2). */
const frame = (length: number, masked = false): Buffer => {
  const header = length < 126 ? [length] : length < 65_536 ? [126] : [127]
  const extended = length < 126 ? Buffer.alloc(0) : length < 65_536 ? Buffer.alloc(2) : Buffer.alloc(8)
  if (extended.length === 2) extended.writeUInt16BE(length)
  if (extended.length === 8) extended.writeBigUInt64BE(BigInt(length))
  const mask = masked ? Buffer.alloc(4, 7) : Buffer.alloc(0)
  header[0]! |= masked ? 0x80 : 0
  return Buffer.concat([Buffer.from([0x81, ...header]), extended, mask, Buffer.alloc(length, 0x88)])
}

const lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000]
const stream = Buffer.concat(lengths.flatMap((length) => [frame(length), frame(length, true)]))

test('ends of frames are found however the bytes are cut', () => {
  const ends = new Set<number>()
  let end = 0
  for (const length of lengths)
    for (const masked of [false, true]) {
      end += frame(length, masked).length
      ends.add(end)
    }
  for (const cut of [1, 2, 3, 7, 130, 4_096, stream.length]) {
    const tracker = createFrameTracker()
    for (let from = 0; from < stream.length; from += cut) {
      const chunk = stream.subarray(from, from + cut)
      assert.equal(tracker.follow(chunk), chunk.length)
      assert.equal(tracker.atBoundary(), ends.has(from + chunk.length), `cut ${cut}, at ${from + chunk.length}`)
    }
  }
})

test('it can stop at the first end', () => {
  const tracker = createFrameTracker()
  const two = Buffer.concat([frame(10), frame(20)])
  tracker.follow(two.subarray(0, 5))
  assert.equal(tracker.follow(two.subarray(5), true), 12 - 5)
  assert.equal(tracker.atBoundary(), true)
})

test('a Close frame has its code and a reason of at most 123 bytes', () => {
  assert.deepEqual([...closeFrame(1001, 'ok')], [0x88, 4, 0x03, 0xe9, 0x6f, 0x6b])
  assert.equal(closeFrame(4401, 'x'.repeat(200)).length, 127)
})
