import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FrameBudget } from './frame-budget.ts'

describe('memory for frames that are still arriving', () => {
  it('is so much for all; who finds too little waits, in line, until others are done', () => {
    const budget = new FrameBudget<string>(100)
    assert.ok(budget.take('a', 60))
    assert.ok(!budget.take('b', 50))
    assert.ok(!budget.take('c', 10), 'it would overtake b for ever')
    assert.ok(budget.isShort)
    assert.equal(budget.bytes, 60)
    assert.deepEqual(budget.give('a'), ['b', 'c'])
    assert.equal(budget.bytes, 60)
    assert.ok(budget.holds('b') && !budget.isShort)
  })

  it('is given back once, also by who only waited', () => {
    const budget = new FrameBudget<string>(100)
    budget.take('a', 100)
    budget.take('b', 100)
    budget.take('c', 100)
    assert.deepEqual(budget.give('b'), [])
    assert.deepEqual(budget.give('a'), ['c'])
    assert.deepEqual(budget.give('a'), [])
    assert.equal(budget.bytes, 100)
  })
})
