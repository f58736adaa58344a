import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ErrorCode, errorTable } from '@svyaz/contracts/errors.ts'
import { Failure } from '../failure.ts'
import { decodeDetails, encodeDetails } from '../grpc/status.ts'
import { problemHeaders } from './problem.ts'

describe('Retry-After on failures', () => {
  for (const code of Object.keys(errorTable) as ErrorCode[]) {
    const needed = [429, 503, 504].includes(errorTable[code].status)
    it(`${needed ? 'is added to' : 'is not added to'} ${code}, over HTTP and gRPC`, () => {
      const failure = new Failure(code, 'away')
      assert.equal(problemHeaders(failure)['retry-after'], needed ? '1' : undefined)
      assert.equal(decodeDetails(encodeDetails(failure))?.retryAfterSeconds, needed ? 1 : undefined)
    })
  }
  it('is whole seconds, at least one', () => {
    for (const [seconds, header] of [
      [0, '1'],
      [0.2, '1'],
      [6.1, '7'],
    ] as const)
      assert.equal(
        problemHeaders(new Failure('unavailable', 'away', { retryAfterSeconds: seconds }))['retry-after'],
        header,
      )
  })
})
