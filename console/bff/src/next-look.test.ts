import assert from 'node:assert/strict'
import { test } from 'node:test'
import { orderStatuses } from '@svyaz/contracts/http/order-terms.ts'
import { nextLook } from './next-look.ts'

test('news while it was read bring another look, whatever the status', () => {
  for (const status of orderStatuses)
    assert.equal(nextLook({ status, heardMeanwhile: true, settled: true }), 'soon', status)
})

test('a finished order is looked at again, late, and then left alone', () => {
  for (const status of ['completed', 'rejected', 'cancelled'] as const) {
    assert.equal(nextLook({ status, heardMeanwhile: false, settled: false }), 'late')
    assert.equal(nextLook({ status, heardMeanwhile: false, settled: true }), undefined)
  }
})

test('an order under way is looked at when something is heard of it', () => {
  assert.equal(nextLook({ status: 'paid', heardMeanwhile: false, settled: false }), undefined)
})
