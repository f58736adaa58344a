import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventFact, OrderFact, Snapshot } from '@svyaz/observe/snapshot.ts'
import { check, type InvariantId, invariants } from './invariants.ts'

const happened = (orderId: string, ...steps: [type: string, status: string][]): EventFact[] =>
  steps.map(([type, status], index) => ({
    partition: 0,
    offset: Number(orderId.slice(1)) * 100 + index,
    eventId: `${orderId}.${index + 1}`,
    type: `order.${type}`,
    orderId,
    version: index + 1,
    status,
  }))

const order = (id: string, status: string, version: number): OrderFact => ({
  id,
  userId: 'u1',
  key: `key of ${id}`,
  status,
  version,
  totalMinor: 500,
  items: [{ productId: 'P-1', quantity: 2 }],
})

/** o1 completed, o2 paid and then cancelled, o3 declined; one attempt refused, one without an answer. */
const sound: Snapshot = {
  attempts: [
    { userId: 'u1', key: 'key of o1', orderId: 'o1' },
    { userId: 'u1', key: 'key of o1', orderId: 'o1' },
    { userId: 'u1', key: 'key of o2', orderId: 'o2' },
    { userId: 'u1', key: 'key of o3' },
    { userId: 'u1', key: 'key of nothing', refused: 'out_of_stock' },
  ],
  orders: [order('o1', 'completed', 5), order('o2', 'cancelled', 5), order('o3', 'rejected', 3)],
  events: [
    ...happened(
      'o1',
      ['created', 'pending'],
      ['processing', 'processing'],
      ['paid', 'paid'],
      ['shipped', 'shipped'],
      ['completed', 'completed'],
    ),
    ...happened(
      'o2',
      ['created', 'pending'],
      ['processing', 'processing'],
      ['paid', 'paid'],
      ['cancelling', 'cancelling'],
      ['cancelled', 'cancelled'],
    ),
    ...happened('o3', ['created', 'pending'], ['processing', 'processing'], ['rejected', 'rejected']),
    // Sent again by the outbox.
    { ...happened('o3', ['created', 'pending'])[0]!, offset: 999 },
  ],
  payments: [
    { orderId: 'o1', status: 'charged', amountMinor: 500 },
    { orderId: 'o2', status: 'refunded', amountMinor: 500 },
    { orderId: 'o3', status: 'declined', amountMinor: 500 },
  ],
  ledger: [
    { type: 'charge', key: 'charge:o1', succeeded: true, amountMinor: 500 },
    { type: 'charge', key: 'charge:o2', succeeded: true, amountMinor: 500 },
    { type: 'charge', key: 'charge:o3', succeeded: false, amountMinor: 500 },
    { type: 'refund', key: 'charge:o2', amountMinor: 500 },
    { type: 'void', key: 'charge:o9', amountMinor: 0 },
  ],
  stock: [{ productId: 'P-1', available: 11, reserved: 0, sold: 2, stocked: 13 }],
  reservations: [
    { orderId: 'o1', state: 'sold' },
    { orderId: 'o2', state: 'closed' },
    { orderId: 'o3', state: 'closed' },
  ],
  initialStock: { 'P-1': 10 },
  restocks: [{ productId: 'P-1', quantity: 3 }],
  mails: [{ messageId: '<m1>', status: 'sent' }],
  mailsReceived: ['<m1>', '<m1>'],
  feeds: [{ userId: 'u1', after: 1, cursors: [2, 3], last: 3 }],
}

const without = <T>(items: readonly T[], index: number): T[] => items.filter((_, at) => at !== index)
const withFirst = <T>(items: readonly T[], change: Partial<T>): T[] => [{ ...items[0]!, ...change }, ...items.slice(1)]

test('a sound snapshot breaks nothing', () => assert.deepEqual(check(sound), []))

test('a restock that nobody answered may have happened or not', () => {
  const restocks = [...sound.restocks, { productId: 'P-1', quantity: 2, unanswered: true as const }]
  assert.deepEqual(check({ ...sound, restocks }), [])
  assert.deepEqual(check({ ...sound, restocks, stock: withFirst(sound.stock, { available: 13, stocked: 15 }) }), [])
})

/** Each breach turns exactly these invariants red: what else would notice it is part of the row. */
const breaches: [what: string, red: InvariantId[], snapshot: Snapshot][] = [
  ['an accepted order is gone', ['O1', 'P2', 'S3', 'X1'], { ...sound, orders: without(sound.orders, 0) }],
  [
    'an order is stuck',
    ['O1', 'S3'],
    {
      ...sound,
      orders: withFirst(sound.orders, { status: 'shipped', version: 4 }),
      events: without(sound.events, 4),
    },
  ],
  [
    'a refused order exists',
    ['O2'],
    { ...sound, attempts: [...without(sound.attempts, 2), { userId: 'u1', key: 'key of o2', refused: 'forbidden' }] },
  ],
  ['an order exists that nobody asked for', ['O2'], { ...sound, attempts: without(sound.attempts, 2) }],
  [
    'two orders for one key',
    ['O3'],
    {
      ...sound,
      orders: [sound.orders[0]!, { ...sound.orders[1]!, key: 'key of o1' }, sound.orders[2]!],
      attempts: without(sound.attempts, 2),
    },
  ],
  [
    'one key was answered with two orders',
    ['O3'],
    { ...sound, attempts: [...sound.attempts, { userId: 'u1', key: 'key of o1', orderId: 'o2' }] },
  ],
  ['an event is missing in the middle', ['O4'], { ...sound, events: without(sound.events, 1) }],
  [
    'a version stands twice under two event ids',
    ['O4'],
    {
      ...sound,
      events: sound.events.flatMap((event) =>
        event.eventId === 'o1.2' ? [event, { ...event, eventId: 'other', offset: event.offset + 0.5 }] : [event],
      ),
    },
  ],
  [
    'a cancelled order is paid afterwards',
    ['O4', 'P2', 'X1'],
    {
      ...sound,
      events: [
        ...sound.events,
        { ...sound.events[9]!, offset: 5_000, eventId: 'late', type: 'order.paid', version: 6, status: 'paid' },
      ],
      ledger: sound.ledger.filter((entry) => entry.type !== 'refund'),
      payments: [sound.payments[0]!, { ...sound.payments[1]!, status: 'charged' }, sound.payments[2]!],
    },
  ],
  ['events of one order in two partitions', ['O4'], { ...sound, events: withLast('o1', { partition: 1 }) }],
  ['an order was charged twice', ['P1', 'P2', 'P3'], { ...sound, ledger: [...sound.ledger, sound.ledger[0]!] }],
  ['a cancelled order was not refunded', ['P2', 'P3'], { ...sound, ledger: without(sound.ledger, 3) }],
  [
    'a completed order was not charged',
    ['P2'],
    { ...sound, ledger: without(sound.ledger, 0), payments: without(sound.payments, 0) },
  ],
  [
    'money was taken for no order',
    ['P2', 'P3'],
    { ...sound, ledger: [...sound.ledger, { type: 'charge', key: 'charge:o8', succeeded: true, amountMinor: 1 }] },
  ],
  [
    'the database believes in a charge that is not there',
    ['P3'],
    { ...sound, payments: [...sound.payments, { orderId: 'o8', status: 'charged', amountMinor: 1 }] },
  ],
  [
    'two wrong payments that cancel each other out',
    ['P3'],
    {
      ...sound,
      payments: [
        { ...sound.payments[0]!, status: 'refunded' },
        { ...sound.payments[1]!, status: 'charged' },
        sound.payments[2]!,
      ],
    },
  ],
  ['stock does not add up', ['S1'], { ...sound, stock: withFirst(sound.stock, { available: 10 }) }],
  ['stock is negative', ['S1', 'S3'], { ...sound, stock: withFirst(sound.stock, { available: 14, reserved: -3 }) }],
  ['a restock was applied twice', ['S2'], { ...sound, stock: withFirst(sound.stock, { available: 14, stocked: 16 }) }],
  [
    'a restock without an answer was applied twice',
    ['S2'],
    {
      ...sound,
      restocks: [...sound.restocks, { productId: 'P-1', quantity: 2, unanswered: true }],
      stock: withFirst(sound.stock, { available: 15, stocked: 17 }),
    },
  ],
  [
    'a reservation is left over',
    ['S3'],
    { ...sound, reservations: withFirst(sound.reservations, { state: 'reserved' }) },
  ],
  ['stock stayed reserved', ['S3'], { ...sound, stock: withFirst(sound.stock, { available: 9, reserved: 2 }) }],
  ['a cancelled order kept its stock', ['S3'], { ...sound, stock: withFirst(sound.stock, { available: 9, sold: 4 }) }],
  ['a mail waits for ever', ['E1'], { ...sound, mails: withFirst(sound.mails, { status: 'waiting' }) }],
  ['a mail never arrived', ['E1'], { ...sound, mailsReceived: [] }],
  ['a frame was missed', ['W1'], { ...sound, feeds: withFirst(sound.feeds, { cursors: [3] }) }],
  ['a frame came twice', ['W1'], { ...sound, feeds: withFirst(sound.feeds, { cursors: [2, 2, 3] }) }],
  ['frames came out of order', ['W1'], { ...sound, feeds: withFirst(sound.feeds, { cursors: [3, 2] }) }],
  ['the last event never reached the topic', ['X1'], { ...sound, events: without(sound.events, 4) }],
  [
    'events of an order that was rolled back',
    ['X1'],
    { ...sound, events: [...sound.events, ...happened('o7', ['created', 'pending'])] },
  ],
]

function withLast(orderId: string, change: Partial<EventFact>): EventFact[] {
  const last = sound.events.findLastIndex((event) => event.orderId === orderId)
  return sound.events.map((event, index) => (index === last ? { ...event, ...change } : event))
}

for (const [what, red, snapshot] of breaches) {
  test(`${what}: ${red.join(', ')}`, () => {
    assert.deepEqual([...new Set(check(snapshot).map((violation) => violation.id))].sort(), [...red].sort())
  })
}

test('every invariant was turned red above', () => {
  assert.deepEqual(new Set(breaches.flatMap(([, red]) => red)), new Set(Object.keys(invariants)))
})
