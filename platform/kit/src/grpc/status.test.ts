import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ErrorCode, errorTable } from '@svyaz/contracts/errors.ts'
import { Failure } from '../failure.ts'
import { decodeDetails, encodeDetails, failureOfStatus, grpcStatus, statusOf } from './status.ts'

describe('failures over gRPC', () => {
  for (const code of Object.keys(errorTable) as ErrorCode[])
    it(`${code} survives the wire`, () => {
      const richDetails = encodeDetails(new Failure(code, 'дetail'))
      const back = failureOfStatus('orders', { code: statusOf(code), details: 'дetail', richDetails, cause: undefined })
      assert.equal(back.code, code)
      assert.equal(back.detail, 'дetail')
    })

  it('writes google.rpc.Status as the specification has it', () => {
    // code = 5; message = "no"; details = [Any{type_url, ErrorInfo{reason, domain}}], written out by hand.
    const string = (field: number, text: string) => [(field << 3) | 2, text.length, ...Buffer.from(text)]
    const info = [...string(1, 'not_found'), ...string(2, 'svyaz')]
    const any = [...string(1, 'type.googleapis.com/google.rpc.ErrorInfo'), (2 << 3) | 2, info.length, ...info]
    const status = [8, 5, ...string(2, 'no'), (3 << 3) | 2, any.length, ...any]
    assert.deepEqual([...encodeDetails(new Failure('not_found', 'no'))], status)
  })

  it('carries faults and the delay', () => {
    const faults = [{ in: 'body' as const, pointer: '/a/0', detail: 'too small' }]
    const decoded = decodeDetails(
      encodeDetails(new Failure('invalid_request', 'x', { faults, retryAfterSeconds: 2.1 })),
    )
    assert.deepEqual(decoded, { code: 'invalid_request', faults, retryAfterSeconds: 3 })
  })

  it('reads nothing out of broken or foreign details', () => {
    const whole = encodeDetails(new Failure('conflict', 'x', { retryAfterSeconds: 1 }))
    for (let length = 0; length < whole.length; length++)
      assert.doesNotThrow(() => decodeDetails(whole.subarray(0, length)), `${length} bytes`)
    assert.equal(decodeDetails(Buffer.from('hello')), undefined)
    assert.equal(decodeDetails(new Uint8Array()), undefined)
  })

  const plain: [number, ErrorCode][] = [
    [grpcStatus.UNAVAILABLE, 'unavailable'],
    [grpcStatus.DEADLINE_EXCEEDED, 'deadline_exceeded'],
    [grpcStatus.UNIMPLEMENTED, 'bad_gateway'],
    [grpcStatus.INTERNAL, 'bad_gateway'],
    [99, 'bad_gateway'],
  ]
  for (const [status, code] of plain)
    it(`status ${status} without details is ${code}`, () => {
      const failure = failureOfStatus('orders', { code: status, details: '', richDetails: undefined, cause: 1 })
      assert.equal(failure.code, code)
    })
})
