import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '@svyaz/kit'
import { Stock } from './stock.ts'

const lamp = { productId: 'P-1', available: 3, reserved: 0, sold: 0, stocked: 3, version: 7 }
const take = (quantity: number) => ({ productId: 'P-1', quantity, from: 'available', to: 'reserved' }) as const
const line = (quantity: number) => [{ productId: 'P-1', quantity }]

test('who comes first has it: what was moved is no longer there for the next', () => {
  const stock = new Stock([lamp])
  assert.deepEqual(stock.missing(line(2)), [])
  stock.move(take(2))
  assert.deepEqual(stock.missing(line(2)), [{ productId: 'P-1', requested: 2, available: 1 }])
  assert.throws(
    () => stock.move(take(2)),
    (error) => error instanceof Failure && error.code === 'conflict',
  )
  assert.deepEqual(stock.deltas(), [{ productId: 'P-1', available: -2, reserved: 2, sold: 0, moves: 1 }])
})

test('moves of a product are one sum, which adds nothing and takes nothing', () => {
  const stock = new Stock([{ ...lamp, productId: 'P-2' }, lamp])
  stock.move({ productId: 'P-2', quantity: 1, from: 'available', to: 'reserved' })
  stock.move(take(3))
  stock.move({ productId: 'P-1', quantity: 2, from: 'reserved', to: 'sold' })
  const deltas = stock.deltas()
  assert.deepEqual(deltas, [
    { productId: 'P-1', available: -3, reserved: 1, sold: 2, moves: 2 },
    { productId: 'P-2', available: -1, reserved: 1, sold: 0, moves: 1 },
  ])
  for (const { available, reserved, sold } of deltas) assert.equal(available + reserved + sold, 0)
  assert.deepEqual(stock.changed(), [
    { productId: 'P-1', available: 0, reserved: 1, sold: 2, stocked: 3, version: 9 },
    { productId: 'P-2', available: 2, reserved: 1, sold: 0, stocked: 3, version: 8 },
  ])
})

test('a product that there is not has nothing', () => {
  assert.deepEqual(new Stock([]).missing(line(1)), [{ productId: 'P-1', requested: 1, available: 0 }])
})
