import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keep, type Owner } from '../../protocol.ts'
import { surplusOf } from './tracker.ts'

/** Ids that sort by their number, as those of orders sort by time. */
const id = (number: number) => String(number).padStart(4, '0')
const orders = (user: Owner, numbers: readonly number[]) => numbers.map((number) => ({ id: id(number), user }))
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

test("of one of our people's orders the oldest goes, in whatever order they were read", () => {
  const numbers = upTo(keep.ordersPerUser + 1)
  assert.deepEqual(surplusOf(orders('ada', numbers), 'ada'), [id(1)])
  assert.deepEqual(surplusOf(orders('ada', numbers.toReversed()), 'ada'), [id(1)])
})

test("of other people's orders the one goes that was asked for first, however new it is", () => {
  const numbers = upTo(keep.otherOrders)
  assert.deepEqual(surplusOf(orders('other', [9_999, ...numbers]), 'other'), [id(9_999)])
})

test('nobody loses an order to another', () => {
  const full = [...orders('ada', upTo(keep.ordersPerUser)), ...orders('boris', upTo(keep.ordersPerUser))]
  assert.deepEqual([surplusOf(full, 'ada'), surplusOf(full, 'boris'), surplusOf(full, 'other')], [[], [], []])
})
