import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Asked, type CampaignRecord, faultsIn, summarize } from './verdict.ts'

const summary = { count: 10, good: 9, refused: 1, wrong: {}, p50Ms: 5, p99Ms: 90, maxMs: 99 }
const borne: CampaignRecord = {
  about: { at: '2026-11-26T00:00:00Z', commit: 'abc', machine: 'one', command: 'npm run campaign' },
  seed: 1,
  minutes: 10,
  attacks: { garbage: 5 },
  before: { 'orders-1': 'process 7 after 0 restarts' },
  after: { 'orders-1': 'process 7 after 0 restarts' },
  asked: { products: summary, login: summary, order: summary },
  unfinished: [],
  memoryMb: { before: { 'orders-1': 80 }, atEnd: { 'orders-1': 300 }, afterRest: { 'orders-1': 100 }, restSeconds: 60 },
}

test('what was borne has no fault', () => assert.deepEqual(faultsIn(borne), []))

const cases: [string, Partial<CampaignRecord>, RegExp][] = [
  ['a process is another one', { after: { 'orders-1': 'process 9 after 1 restarts' } }, /orders-1 was process 7/],
  ['a process is gone', { after: {} }, /now gone/],
  ['an order is lost', { unfinished: ['o-1'] }, /order o-1/],
  ['reading is slow', { asked: { ...borne.asked, products: { ...summary, p99Ms: 1_000 } } }, /p99 1000 ms/],
  ['nothing was read', { asked: { ...borne.asked, products: { ...summary, p99Ms: Number.NaN } } }, /p99 NaN/],
  [
    'an order is refused without a word',
    { asked: { ...borne.asked, order: { ...summary, wrong: { none: 2 } } } },
    /2 × none/,
  ],
  ['nobody is served', { asked: { ...borne.asked, order: { ...summary, good: 1 } } }, /only 1 of 10/],
  ['memory stays', { memoryMb: { ...borne.memoryMb, afterRest: { 'orders-1': 121 } } }, /121 MB after its rest/],
  ['an attack never happened', { attacks: { garbage: 0 } }, /no garbage/],
]
for (const [name, change, expected] of cases)
  test(`a fault when ${name}`, () => {
    const faults = faultsIn({ ...borne, ...change })
    assert.equal(faults.length, 1, faults.join('\n'))
    assert.match(faults[0] ?? '', expected)
  })

test('a refusal counts as one only when it says when to come again', () => {
  const answer = (status: number | undefined, retryAfter: boolean, ms: number): Asked => ({
    what: 'order',
    status,
    retryAfter,
    ms,
  })
  const { count, good, refused, wrong, p99Ms } = summarize('order', [
    answer(201, false, 10),
    answer(201, false, 30),
    answer(429, true, 1),
    answer(503, true, 1),
    answer(503, false, 1),
    answer(500, true, 1),
    answer(undefined, false, 5_000),
    { ...answer(200, false, 1), what: 'login' },
  ])
  assert.deepEqual(
    { count, good, refused, wrong, p99Ms },
    { count: 7, good: 2, refused: 2, wrong: { 500: 1, 503: 1, none: 1 }, p99Ms: 30 },
  )
})
