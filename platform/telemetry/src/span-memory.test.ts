import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Place, SpanMemory } from './span-memory.ts'

const bytesMax = 8_000
/** A sixteenth of it. */
const slabBytes = 500

test('seeded: what is kept reads as it was written, and memory is at most half as much again', () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    let state = seed
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return (state >>> 8) % below
    }
    const memory = new SpanMemory(bytesMax)
    const kept = new Map<Place, string>()
    let keptBytes = 0
    for (let step = 0; step < 300; step += 1) {
      const [place] = [...kept.keys()].slice(random(kept.size + 1))
      if (place !== undefined && random(5) < 2) {
        memory.free(place)
        kept.delete(place)
        keptBytes -= place.length
      } else {
        const text = `${step} é `.repeat(1 + random(90))
        const written: Place = { slab: undefined, at: 0, length: Buffer.byteLength(text) }
        memory.write(written, text)
        kept.set(written, text)
        keptBytes += written.length
      }
      for (const [each, text] of kept) assert.equal(memory.read(each).toString(), text, `seed ${seed} step ${step}`)
      assert.ok(memory.bytes <= 1.5 * keptBytes + 4 * slabBytes, `seed ${seed} step ${step}: ${memory.bytes}`)
    }
    assert.ok(kept.size > 10, `seed ${seed} kept nothing`)
    for (const place of kept.keys()) memory.free(place)
    assert.ok(memory.bytes <= 4 * slabBytes, `seed ${seed}: ${memory.bytes} bytes for nothing`)
  }
})

test('what goes in the order in which it came wastes less than two slabs', () => {
  const memory = new SpanMemory(bytesMax)
  const kept: Place[] = []
  for (let step = 0; step < 2_000; step += 1) {
    const place: Place = { slab: undefined, at: 0, length: 100 }
    memory.write(place, 'x'.repeat(100))
    kept.push(place)
    if (kept.length > 60) memory.free(kept.shift() as Place)
    assert.ok(memory.bytes <= kept.length * 100 + 2 * slabBytes, `step ${step}: ${memory.bytes}`)
  }
})
