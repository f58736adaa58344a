import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, type Input, type Parcel, positionOf } from './domain.ts'

const draft: Parcel = {
  orderId: 'o1',
  userId: 'u1',
  status: 'draft',
  method: 'dm_ok',
  trackingNumber: 'SV1',
  version: 0,
  dueAt: undefined,
  shippedAt: undefined,
}

/** Plays [at, input] pairs with 100 ms to ship and 200 ms to deliver. */
const play = (start: Parcel, ...steps: [now: number, type: Input['type']][]) => {
  let parcel = start
  const said: string[] = []
  for (const [now, type] of steps) {
    const outcome = decide(parcel, { type }, { now, shipAfterMs: 100, deliverAfterMs: 200 })
    if (!outcome) continue
    parcel = outcome.parcel
    if (outcome.said) said.push(outcome.said.replace('delivery.', ''))
  }
  return { parcel, said: said.join(' ') }
}

test('paid → scheduled → shipped → delivered, each at its time and not before', () => {
  const { parcel, said } = play(
    draft,
    [0, 'due'],
    [0, 'paid'],
    [99, 'due'],
    [100, 'due'],
    [299, 'due'],
    [300, 'due'],
    [400, 'due'],
  )
  assert.equal(said, 'scheduled shipped delivered')
  assert.equal(parcel.version, 3)
})

test('nothing ships that was not paid, and a repeated paid schedules once', () => {
  assert.equal(play(draft, [500, 'due']).said, '')
  assert.equal(play(draft, [0, 'paid'], [1, 'paid']).said, 'scheduled')
})

test('the failing method fails on arrival', () => {
  assert.equal(
    play({ ...draft, method: 'dm_fail' }, [0, 'paid'], [100, 'due'], [300, 'due']).said,
    'scheduled shipped failed',
  )
})

test('ended before shipping: stays here; after: comes back; after delivery: nothing', () => {
  assert.equal(play(draft, [0, 'paid'], [1, 'ended'], [200, 'due']).said, 'scheduled')
  assert.equal(play(draft, [0, 'paid'], [100, 'due'], [101, 'ended'], [400, 'due']).said, 'scheduled shipped returned')
  assert.equal(play(draft, [0, 'paid'], [100, 'due'], [300, 'due'], [301, 'ended']).said, 'scheduled shipped delivered')
})

test('position moves from the warehouse to the door', () => {
  const { parcel } = play(draft, [0, 'paid'], [100, 'due'])
  assert.deepEqual(positionOf(draft, 0), { progress: 0, place: 'warehouse' })
  assert.deepEqual(positionOf(parcel, 200), { progress: 0.5, place: 'on the road' })
  assert.deepEqual(positionOf({ ...parcel, status: 'delivered' }, 300), { progress: 1, place: 'at your door' })
})
