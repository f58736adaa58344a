import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, type Input, type Move, type Reservation } from './domain.ts'

const items = (itemsVersion: number, quantity: number): Input => ({
  type: 'items',
  orderId: 'o1',
  itemsVersion,
  items: [{ productId: 'P-1001', quantity }],
  waitMs: 0,
})
const due: Input = { type: 'due', missing: [] }
const short: Input = { type: 'due', missing: [{ productId: 'P-1001', requested: 9, available: 1 }] }

const play = (...inputs: Input[]) => {
  let reservation: Reservation | undefined
  const stock = { available: 10, reserved: 0, sold: 0 }
  const released: string[] = []
  for (const input of inputs) {
    const outcome = decide(reservation, input)
    if (!outcome) continue
    reservation = outcome.reservation
    for (const move of outcome.moves as Move[]) {
      stock[move.from] -= move.quantity
      stock[move.to] += move.quantity
    }
    if (outcome.released) released.push(outcome.released)
  }
  return { state: reservation?.state, stock, released }
}

test('reserves, sells', () => {
  assert.deepEqual(play(items(1, 3), due, { type: 'paid' }), {
    state: 'sold',
    stock: { available: 7, reserved: 0, sold: 3 },
    released: [],
  })
})

test('not enough: rejected, nothing moves, the end releases nothing', () => {
  assert.deepEqual(play(items(1, 9), short, { type: 'ended' }), {
    state: 'closed',
    stock: { available: 10, reserved: 0, sold: 0 },
    released: [],
  })
})

test('a change replaces the reservation; an older version is ignored', () => {
  assert.deepEqual(play(items(1, 3), due, items(2, 5), items(1, 3), due), {
    state: 'reserved',
    stock: { available: 5, reserved: 5, sold: 0 },
    released: [],
  })
})

test('released from reserved, put back from sold, once', () => {
  assert.deepEqual(play(items(1, 3), due, { type: 'ended' }, { type: 'ended' }).released, ['reserved'])
  const sold = play(items(1, 3), due, { type: 'paid' }, { type: 'ended' }, { type: 'paid' })
  assert.deepEqual(sold, { state: 'closed', stock: { available: 10, reserved: 0, sold: 0 }, released: ['sold'] })
})

test('cancelled while it waits: never reserved', () => {
  assert.deepEqual(play(items(1, 3), { type: 'ended' }, due, items(2, 4), due).stock, {
    available: 10,
    reserved: 0,
    sold: 0,
  })
})
