/** Frames, times and statuses of gRPC, byte by byte. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '@svyaz/kit'
import { frame, messageOf, statusFields, timeoutOf, trailerFrame, wireOf } from './grpc-wire.ts'

const refused = (act: () => unknown) =>
  assert.throws(act, (error) => error instanceof Failure && error.code === 'invalid_request')

test('content types: gRPC, gRPC-Web, and nothing else', () => {
  assert.deepEqual(
    ['application/grpc', 'Application/gRPC+proto; charset=x', 'application/grpc-web', 'application/grpc-web+proto'].map(
      wireOf,
    ),
    ['grpc', 'grpc', 'web', 'web'],
  )
  for (const other of [undefined, '', 'application/json', 'application/grpc+json', 'application/grpc-web-text'])
    assert.equal(wireOf(other), undefined, other)
})

test('a body is one whole message in its frame', () => {
  const message = Buffer.from('hello')
  assert.deepEqual(messageOf(frame(message)), message)
  assert.equal(messageOf(frame(Buffer.alloc(0))).length, 0)
  for (const body of [
    Buffer.alloc(0),
    Buffer.from([0, 0, 0, 0]),
    frame(message, 1),
    frame(message, 0x80),
    frame(message).subarray(0, 8),
    Buffer.concat([frame(message), frame(message)]),
    Buffer.concat([frame(message), Buffer.from('x')]),
    Buffer.from([0, 0xff, 0xff, 0xff, 0xff]),
  ])
    refused(() => messageOf(body))
})

test('grpc-timeout in each of its units', () => {
  assert.equal(timeoutOf(undefined), undefined)
  assert.deepEqual(
    ['1H', '2M', '3S', '4m', '5000u', '6000000n', '99999999m'].map(timeoutOf),
    [3_600_000, 120_000, 3_000, 4, 5, 6, 99_999_999],
  )
  for (const wrong of ['', '1', 'S', '1s', '123456789S', '-1S', '1.5S', '1S ', '0x1S']) refused(() => timeoutOf(wrong))
})

test('a status in trailers: text beyond ASCII is percent-encoded, details are base64 without padding', () => {
  assert.deepEqual(statusFields({ code: 0, message: '' }), { 'grpc-status': '0' })
  assert.deepEqual(statusFields({ code: 5, message: '100 % “nö”\r\nx: y', details: Buffer.from('a') }), {
    'grpc-status': '5',
    'grpc-message': '100 %25 %E2%80%9Cn%C3%B6%E2%80%9D%0D%0Ax: y',
    'grpc-status-details-bin': 'YQ',
  })
  const last = trailerFrame({ code: 7, message: 'no' })
  assert.equal(last[0], 0x80)
  assert.equal(last.subarray(5).toString(), 'grpc-status: 7\r\ngrpc-message: no\r\n')
})
