import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventFact, Snapshot } from '@svyaz/observe/snapshot.ts'
import { ownPart, scorecardOf } from './scorecard.ts'

const steps = [
  ['created', 'pending'],
  ['processing', 'processing'],
  ['paid', 'paid'],
  ['shipped', 'shipped'],
  ['completed', 'completed'],
] as const

const events = (orderId: string): EventFact[] =>
  steps.map(([type, status], index) => ({
    partition: 0,
    offset: index,
    eventId: `${orderId}.${index}`,
    type: `order.${type}`,
    orderId,
    version: index + 1,
    status,
  }))

const order = (id: string, userId: string) => ({
  id,
  userId,
  key: `key of ${id}`,
  status: 'completed',
  version: steps.length,
  totalMinor: 500,
  items: [{ productId: 'P-1', quantity: 1 }],
})

/** `mine` is the experiment's, `theirs` somebody else's who is in the middle of something. */
const whole: Snapshot = {
  attempts: [{ userId: 'me', key: 'key of mine', orderId: 'mine' }],
  orders: [order('mine', 'me'), { ...order('theirs', 'other'), status: 'paid' }],
  events: [...events('mine'), ...events('theirs').slice(0, 3)],
  payments: [
    { orderId: 'mine', status: 'charged', amountMinor: 500 },
    { orderId: 'theirs', status: 'charged', amountMinor: 500 },
  ],
  ledger: [{ type: 'charge', key: 'charge:mine', succeeded: true, amountMinor: 500 }],
  stock: [{ productId: 'P-1', available: 8, reserved: 1, sold: 1, stocked: 10 }],
  reservations: [
    { orderId: 'mine', state: 'sold' },
    { orderId: 'theirs', state: 'reserved' },
  ],
  initialStock: {},
  restocks: [],
  mails: [
    { messageId: '<mine.4@svyaz.local>', status: 'sent' },
    { messageId: '<theirs.2@svyaz.local>', status: 'waiting' },
  ],
  mailsReceived: ['<mine.4@svyaz.local>'],
  feeds: [],
}

const cardOf = (snapshot: Snapshot) =>
  scorecardOf({
    own: ownPart(snapshot, new Set(['me']), new Set(events('mine').map(({ eventId }) => eventId))),
    effects: { log: [], frames: [], orders: [] },
    counts: { accepted: 1, refused: 0, unanswered: 0 },
    outcomes: [{ state: 'over', fired: true, recoveryMs: 700 }, undefined],
    restMs: 1_200,
  })

test('what others have under way is not judged, and nothing of the own is missing', () => {
  const { lost, doubled, wrong, fired, planned, recoveryMsMax, statuses } = cardOf(whole)
  assert.deepEqual(
    { lost, doubled, wrong, fired, planned, recoveryMsMax, statuses },
    { lost: 0, doubled: 0, wrong: 0, fired: 1, planned: 2, recoveryMsMax: 700, statuses: { completed: 1 } },
  )
})

test('an accepted order that is gone is lost', () => {
  const card = cardOf({ ...whole, orders: whole.orders.slice(1) })
  assert.ok(card.lost > 0)
  assert.match(
    card.judgements.find(({ id }) => id === 'O1')?.found.join() ?? '',
    /order mine was accepted and exists 0/,
  )
})

test('a second charge is done twice, a frame that came twice too', () => {
  const card = cardOf({ ...whole, ledger: [...whole.ledger, ...whole.ledger] })
  assert.equal(card.doubled, 1)
  const frames = [1, 2].map((cursor) => ({ userId: 'me', cursor, eventId: 'mine.4' }))
  const own = ownPart(whole, new Set(['me']), new Set())
  const effects = { log: [], frames, orders: [] }
  const counts = { accepted: 1, refused: 0, unanswered: 0 }
  assert.equal(scorecardOf({ own, effects, counts, outcomes: [] }).doubled, 1)
})

test('a mail that never came is lost', () => {
  assert.equal(cardOf({ ...whole, mailsReceived: [] }).lost, 1)
})
