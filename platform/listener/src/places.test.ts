import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Places } from './places.ts'

describe('places for what stays long', () => {
  it('are limited for each, and in all', () => {
    const places = new Places(3, 2)
    const first = places.take('a')
    assert.ok(typeof first === 'function')
    assert.equal(typeof places.take('a'), 'function')
    assert.equal(places.take('a'), 'own')
    assert.equal(typeof places.take('b'), 'function')
    assert.equal(places.take('c'), 'all')
    for (let times = 0; times < 2; times++) first()
    assert.equal(places.size, 2)
    assert.equal(typeof places.take('a'), 'function')
  })
})
