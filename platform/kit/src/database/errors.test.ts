import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Failure } from '../failure.ts'
import { asFailure, breaksConnection, isRepeatable } from './errors.ts'

const coded = (code: string, message = 'x') => Object.assign(new Error(message), { code })

describe('asFailure', () => {
  const away: [name: string, error: Error][] = [
    ['nobody listens', coded('ECONNREFUSED')],
    ['the socket broke', coded('ECONNRESET')],
    ['the server stops', coded('57P01')],
    ['the server starts', coded('57P03')],
    ['too many connections', coded('53300')],
    ['the disk is full', coded('53100')],
    ['a class 08 error', coded('08006')],
    ['the pool has no connection in time', new Error('timeout exceeded when trying to connect')],
    ['the server takes no connection in time', new Error('timeout expired')],
    ['the connection ended in the middle', new Error('Connection terminated unexpectedly')],
    ['no answer at all', new Error('Query read timeout')],
  ]
  for (const [name, error] of away) {
    test(`${name}: unavailable`, () => {
      const failure = asFailure(error)
      assert.ok(failure instanceof Failure)
      assert.equal(failure.code, 'unavailable')
      assert.equal(failure.cause, error)
    })
  }
  test('an overrun statement: deadline_exceeded', () => {
    const failure = asFailure(coded('57014'))
    assert.ok(failure instanceof Failure)
    assert.equal(failure.code, 'deadline_exceeded')
  })
  test('leaves broken constraints, deadlocks and Failures as they are', () => {
    for (const error of [coded('23505'), coded('40P01'), new Failure('conflict', 'x'), new TypeError('x')]) {
      assert.equal(asFailure(error), error)
    }
  })
})

test('only serialization failures and deadlocks are repeated', () => {
  assert.deepEqual(
    ['40001', '40P01', '23505', '57P01'].map((code) => isRepeatable(coded(code))),
    [true, true, false, false],
  )
})

test('a connection is dropped after errors that may leave it broken, and after no other', () => {
  assert.equal(breaksConnection(new Error('Query read timeout')), true)
  assert.equal(breaksConnection(coded('57P01')), true)
  assert.equal(breaksConnection(coded('ECONNRESET')), true)
  assert.equal(breaksConnection(coded('23505')), false)
  assert.equal(breaksConnection(coded('57014')), false)
  assert.equal(breaksConnection(new Error('timeout exceeded when trying to connect')), false)
})
