import assert from 'node:assert/strict'
import { test } from 'node:test'
import { orderIn } from './order-in.ts'

const id = '01999999-1234-7abc-8def-0123456789ab'

test('a mail about an order names it', () => {
  assert.equal(orderIn(`Order delivered.\n\n2 × Lamp\nTotal 10 EUR\nOrder ${id}\n`), id)
})

test('another id, and the word without an id, name no order', () => {
  assert.equal(orderIn(`Order received\nSession ${id}`), undefined)
  assert.equal(orderIn(`Order ${id}0`), undefined)
  assert.equal(orderIn(''), undefined)
})
