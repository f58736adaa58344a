import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Frames, FrameTooLarge } from './frames.ts'

const framed = (text: string) => {
  const bytes = Buffer.alloc(4 + text.length)
  bytes.writeInt32BE(text.length)
  bytes.write(text, 4)
  return bytes
}

describe('frames', () => {
  const stream = Buffer.concat(['one', '', 'three', 'x'.repeat(300)].map(framed))

  for (const size of [1, 2, 3, 5, 7, 64, 1_000]) {
    it(`are the same when they arrive in pieces of ${size}`, () => {
      const frames = new Frames(1_000)
      const seen: string[] = []
      for (let at = 0; at < stream.length; at += size) {
        for (const frame of frames.push(stream.subarray(at, at + size))) seen.push(String(frame))
      }
      assert.deepEqual(seen, ['one', '', 'three', 'x'.repeat(300)])
    })
  }

  it('above the limit are refused before they are collected', () => {
    assert.throws(() => [...new Frames(10).push(Buffer.from([0, 0, 0, 11]))], FrameTooLarge)
    assert.throws(() => [...new Frames(10).push(Buffer.from([0xff, 0, 0, 0]))], FrameTooLarge)
  })
})
