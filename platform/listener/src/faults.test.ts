import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { faultOf, faults } from './faults.ts'

const overflow = (text: string) => faultOf({ code: 'HPE_HEADER_OVERFLOW', rawPacket: Buffer.from(text) })

describe('what is told to the sender of a broken request', () => {
  it('is nothing when the connection is gone', () => {
    assert.equal(faultOf({ code: 'ECONNRESET' }), undefined)
    assert.equal(faultOf({ code: 'EPIPE' }), undefined)
  })
  it('is 408 when it was too slow', () => assert.equal(faultOf({ code: 'ERR_HTTP_REQUEST_TIMEOUT' }), faults.slow))
  it('is 431 when the headers are too long', () => {
    assert.equal(overflow(`GET / HTTP/1.1\r\nx: ${'a'.repeat(20_000)}`), faults.headers)
    assert.equal(overflow('a'.repeat(20_000)), faults.headers)
  })
  it('is 414 when the first line has no end', () => {
    assert.equal(overflow(`GET /${'a'.repeat(20_000)} HTTP/1.1\r\n`), faults.targetLength)
  })
  it('is 400 for anything else', () => {
    assert.equal(faultOf({ code: 'HPE_INVALID_METHOD' }), faults.malformed)
    assert.equal(faultOf({}), faults.malformed)
  })
})
