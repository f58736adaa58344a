import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { judgeKeys, seal, unseal } from './keys.ts'

const bounds = { signsForMs: 90_000, shownFirstMs: 60, shownAfterMs: 1_000 }
const judge = (now: number, ...createdAt: number[]) =>
  judgeKeys(
    createdAt.map((at) => ({ id: `k${at}`, createdAt: at })),
    now,
    bounds,
  )

test('the first key of all signs at once, and none is due', () => {
  assert.deepEqual(judge(10_000), { shown: [], isDue: true })
  assert.deepEqual(judge(10_000, 10_000), { shown: ['k10000'], isDue: false })
})

test('a new key is shown before it signs, and the old one after it signed last', () => {
  assert.equal(judge(100_000, 10_000).isDue, true)
  assert.deepEqual(judge(100_000, 10_000, 100_000).shown, ['k10000', 'k100000'])
  assert.deepEqual(judge(100_059, 10_000, 100_000).shown, ['k10000', 'k100000'])
  assert.deepEqual(judge(100_060, 10_000, 100_000).shown, ['k100000', 'k10000'])
  assert.deepEqual(judge(101_059, 10_000, 100_000).shown, ['k100000', 'k10000'])
  assert.deepEqual(judge(101_060, 10_000, 100_000).shown, ['k100000'])
})

test('however keys follow on each other, one signs, and what signed within the time after is shown', () => {
  for (let gap = 1; gap < 400; gap += 7) {
    const made: number[] = []
    const signedAt = new Map<string, number>()
    for (let now = 0; now < 3_000; now += 3) {
      if (now >= made.length * gap) made.push(now)
      const { shown } = judge(now, ...made)
      const [signing] = shown
      assert.ok(signing, `gap ${gap}, now ${now}`)
      for (const [id, at] of signedAt)
        assert.ok(shown.includes(id) || now - at > bounds.shownAfterMs - 10, `gap ${gap}, now ${now}: ${id} is hidden`)
      signedAt.set(signing, now)
    }
  }
})

test('what was sealed opens with its own key alone, and not when a byte of it has changed', () => {
  const key = randomBytes(32)
  const sealed = seal(key, 'a private key')
  assert.equal(unseal(key, sealed), 'a private key')
  assert.equal(unseal(randomBytes(32), sealed), undefined)
  for (let at = 0; at < sealed.length; at++) {
    const damaged = Buffer.from(sealed)
    damaged[at]! ^= 1
    assert.equal(unseal(key, damaged), undefined)
  }
})
