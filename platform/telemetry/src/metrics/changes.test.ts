import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeChanges, encodeChanges } from './changes.ts'

type Values = (number | undefined)[]

test('looks come back as they were, whatever changed, came or went', () => {
  let state = 7
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % below
  }
  let before: Values | undefined
  const read: Values = []
  for (let look = 0; look < 300; look += 1) {
    const now: Values = [...(before ?? [])]
    for (let change = random(6); change > 0; change -= 1)
      now[random(now.length + 200)] = [undefined, 0, -0, random(1e6) / 7, Number.NaN, Infinity][random(6)]
    for (let n = 0; n < now.length; n += 1) now[n] ??= undefined
    const isKey = random(10) === 0
    if (isKey) read.length = 0
    decodeChanges(encodeChanges(isKey ? undefined : before, now), (n, value) => {
      read[n] = value
    })
    for (let n = 0; n < now.length; n += 1) assert.ok(Object.is(read[n], now[n]), `look ${look}, ${n}`)
    before = now
  }
})

test('what did not change costs nothing; bytes that are cut give no more than they have', () => {
  const now = Array.from({ length: 1_000 }, (_, n) => n)
  assert.equal(encodeChanges(now, now).length, 1)
  const whole = encodeChanges(undefined, now)
  let seen = 0
  decodeChanges(whole.subarray(0, 500), () => {
    seen += 1
  })
  assert.ok(seen > 40 && seen < 60)
})
