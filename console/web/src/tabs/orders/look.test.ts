import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFinal, orderStatuses } from '@svyaz/contracts/http/order-terms.ts'
import { lookOf, pillLookOf } from './look.ts'

test('a status that is final looks good or bad, any other busy', () => {
  for (const status of orderStatuses) assert.equal(lookOf(status) === 'busy', !isFinal(status), status)
  assert.deepEqual([lookOf('completed'), lookOf('rejected'), lookOf('cancelled')], ['good', 'bad', 'bad'])
})

test('a pill shows what an event makes of the order, and nothing where it makes nothing', () => {
  assert.deepEqual([undefined, '', 'paid', 'completed', 'cancelled'].map(pillLookOf), ['', '', 'strong', 'good', 'bad'])
})
