import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Frame, fieldsOf, framed, framesOf, statusOf } from './grpc-web.ts'

const trailers = (text: string) => {
  const frame = framed(Buffer.from(text))
  frame[0] = 0x80
  return frame
}
const collect = async (chunks: readonly Buffer[]): Promise<Frame[]> => {
  const body = async function* () {
    yield* chunks
  }
  return Array.fromAsync(framesOf(body()))
}

test('frames are found wherever the chunks of the body end', async () => {
  const body = Buffer.concat([framed(Buffer.from('one')), framed(Buffer.alloc(0)), trailers('grpc-status: 0\r\n')])
  const expected = [
    [false, 'one'],
    [false, ''],
    [true, 'grpc-status: 0\r\n'],
  ]
  for (let size = 1; size <= body.length; size++) {
    const chunks = Array.from({ length: Math.ceil(body.length / size) }, (_, at) =>
      body.subarray(at * size, (at + 1) * size),
    )
    const found = await collect(chunks)
    assert.deepEqual(
      found.map((frame) => [frame.trailers, frame.payload.toString()]),
      expected,
      `chunks of ${size}`,
    )
  }
})

test('a body that ends within a frame, or names one without bounds, is refused', async () => {
  await assert.rejects(collect([framed(Buffer.from('whole')).subarray(0, 7)]), /ends within/)
  await assert.rejects(collect([Buffer.from([0, 0xff, 0xff, 0xff, 0xff])]), /too long/)
})

test('the status is read from the last frame or from the head, with its percent-encoded words', () => {
  assert.deepEqual(statusOf(fieldsOf(Buffer.from('grpc-status: 5\r\nGrpc-Message: no%20such%20order\r\n'))), {
    code: 5,
    message: 'no such order',
  })
  assert.deepEqual(statusOf({ 'grpc-status': '0' }), { code: 0, message: '' })
  assert.deepEqual(statusOf({ 'grpc-status': '2', 'grpc-message': '%E0%A4%A' }), { code: 2, message: '%E0%A4%A' })
  assert.equal(statusOf({ 'content-type': 'text/html' }), undefined)
})
