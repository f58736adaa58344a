import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fit } from './fit.ts'

const lineOf = (at: number) => ({ at, text: 'x'.repeat(80) })
const lines = (count: number) => Array.from({ length: count }, (_, at) => lineOf(at))

test('what fits stays as it is, and nothing is said to be missing', () => {
  const answer = { lines: lines(3), next: null }
  assert.deepEqual(JSON.parse(fit(answer, 10_000)), answer)
})

test('the longest list is cut at its end, and the answer says how many are missing', () => {
  const { lines: kept, few, leftOut } = JSON.parse(fit({ lines: lines(1_000), few: [1, 2] }, 5_000))
  assert.deepEqual(kept, lines(kept.length))
  assert.ok(kept.length > 20 && kept.length < 60, `${kept.length}`)
  assert.deepEqual(few, [1, 2])
  assert.match(leftOut[0], new RegExp(`^${1_000 - kept.length} of 1000 lines`))
})

test('a long text is cut wherever it is, and says how much is gone', () => {
  const { span, leftOut } = JSON.parse(fit({ span: { attributes: { sql: 's'.repeat(2_500) } } }))
  assert.equal(span.attributes.sql, `${'s'.repeat(2_000)}… (500 more characters)`)
  assert.match(leftOut[0], /1 texts? longer than 2000/)
})

test('an answer never exceeds its bound, whatever is in it', () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`field${at}`, 'y'.repeat(3_000)]))
  for (const answer of [many, { deep: { lists: lines(5_000) } }, { one: [{ a: many }] }, { lines: lines(9_999) }]) {
    const text = fit(answer, 4_000)
    assert.ok(text.length <= 4_000, `${text.length}`)
    assert.match(text, /leftOut/)
  }
})
