import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until, within } from './until.ts'

const looks = (...seen: readonly (() => string | false)[]) => {
  const left = [...seen]
  return () => (left.length > 1 ? left.shift()! : left[0]!)()
}
const no = () => false as const
const yes = () => 'there'
const broken = () => {
  throw new Error('connection refused')
}

test('what was looked for is returned, looks that fail before it count as not yet', async () => {
  assert.equal(await until('it', looks(no, broken, yes), { everyMs: 1 }), 'there')
  assert.equal(await within(looks(broken, no, yes), 5_000, 1), 'there')
})

test('what does not come is named, with the last failure and the explanation', async () => {
  const waiting = until('it', broken, { timeoutMs: 5, everyMs: 1, explain: () => 'the log says so' })
  await assert.rejects(waiting, /^Error: waited 0.005 s for it \(Error: connection refused\)\nthe log says so$/)
})

test('a failure that has passed is not named', async () => {
  await assert.rejects(until('it', looks(broken, no), { timeoutMs: 5, everyMs: 1 }), /^Error: waited 0.005 s for it$/)
})

test('who only looks goes on without it', async () => assert.equal(await within(no, 5, 1), undefined))
