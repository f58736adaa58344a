import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UnitCache } from './unit-cache.ts'

test('seeded: the newest units are there, whole, in memory that is bounded; older ones are gone in order', () => {
  const bytesMax = 4_000
  for (let seed = 1; seed <= 20; seed++) {
    let state = seed
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return (state >>> 8) % below
    }
    const cache = new UnitCache(bytesMax)
    const added: { walSegment: number; position: number; bytes: Buffer }[] = []
    let walSegment = 1
    let position = 512
    for (let step = 0; step < 300; step++) {
      const note = `seed ${seed} step ${step}`
      if (random(40) === 0) {
        walSegment++
        position = 512
      }
      const bytes = Buffer.alloc(1 + random(random(30) === 0 ? 6_000 : 700), step)
      // As after a write that was refused for want of space.
      if (random(10) === 0) cache.room(bytes.length)
      const unit = cache.room(bytes.length)
      unit.set(bytes)
      cache.add(walSegment, position, unit)
      added.push({ walSegment, position, bytes })
      position += bytes.length
      assert.ok(cache.bytes <= bytesMax, `${note}: ${cache.bytes} bytes`)
      const found = added.map((one) => cache.slice(one.walSegment, one.position, one.bytes.length))
      const firstFound = found.findIndex((one) => one !== null)
      const newest = firstFound === -1 ? [] : added.slice(firstFound)
      assert.deepEqual(
        firstFound === -1 ? [] : found.slice(firstFound),
        newest.map((one) => one.bytes),
        note,
      )
      assert.ok(bytes.length > bytesMax / 2 || newest.length > 0, `${note}: not even the newest is there`)
      if (random(60) === 0) cache.dropThrough(walSegment - 1)
    }
  }
})

test('a slice lies within one unit', () => {
  const cache = new UnitCache(4_000)
  cache.add(1, 512, cache.room(100).fill(1))
  cache.add(1, 612, cache.room(100).fill(2))
  assert.deepEqual(cache.slice(1, 620, 10), Buffer.alloc(10, 2))
  assert.equal(cache.slice(1, 600, 20), null)
  assert.equal(cache.slice(1, 500, 5), null)
  assert.equal(cache.slice(2, 620, 5), null)
})
