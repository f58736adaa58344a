import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attemptsOf, restocksOf } from './attempts.ts'
import type { Evidence, LogRecord } from './evidence.ts'
import type { HistoryEntry } from './history.ts'
import { checkRun } from './run-invariants.ts'
import { whyInvalid } from './validity.ts'

const lines = (...entries: Partial<HistoryEntry>[]): HistoryEntry[] =>
  entries.map((entry, i) => ({
    i,
    process: 'user-1',
    type: 'ok',
    f: 'createOrder',
    key: 'k1',
    request: { items: 1 },
    tMono: i,
    tWall: '2026-01-01T00:00:00.000Z',
    ...entry,
  }))

const record = (place: string, eventId: string, type: string, data: object, key = 'o1'): LogRecord => {
  const [topic = '', partition, offset] = place.split('/')
  return { topic, partition: Number(partition), offset: Number(offset), key, eventId, type, data }
}

const order = (version: number, type: string, status: string) => ({
  partition: 0,
  offset: version - 1,
  eventId: `o1.${version}`,
  type: `order.${type}`,
  orderId: 'o1',
  version,
  status,
})

/** One order, paid and then cancelled: everything that a run leaves, and nothing wrong with it. */
const history = [
  order(1, 'created', 'pending'),
  order(2, 'processing', 'processing'),
  order(3, 'paid', 'paid'),
  order(4, 'cancelling', 'cancelling'),
  order(5, 'cancelled', 'cancelled'),
]
const log: LogRecord[] = [
  ...history.map(({ offset, eventId, type, version, status }) =>
    record(`orders.events/0/${offset}`, eventId, type, { orderId: 'o1', version, status }),
  ),
  record('inventory.events/0/0', 'i1', 'stock.reserved', { orderId: 'o1', itemsVersion: 1 }),
  record('inventory.events/0/1', 'i2', 'stock.released', { orderId: 'o1' }),
  record('payments.events/0/0', 'p1', 'payment.completed', { orderId: 'o1', version: 1 }),
  record('payments.events/0/1', 'p2', 'payment.refunded', { orderId: 'o1', version: 2 }),
]
const inboxOf = (service: string, ...ids: string[]) =>
  ids.map((eventId) => ({ service, consumer: service, eventId, state: 'done' }))
const sound: Evidence = {
  seed: 1,
  history: lines({ type: 'invoke' }, { response: { id: 'o1' } }),
  faults: [{ name: 'kill', target: 'orders-1', fired: true, ordersInFlight: 20 }],
  stuck: [],
  snapshot: {
    attempts: [{ userId: 'u1', key: 'k1', orderId: 'o1' }],
    orders: [{ id: 'o1', userId: 'u1', key: 'k1', status: 'cancelled', version: 5, totalMinor: 100, items: [] }],
    events: history,
    payments: [{ orderId: 'o1', status: 'refunded', amountMinor: 100 }],
    ledger: [
      { type: 'charge', key: 'charge:o1', succeeded: true, amountMinor: 100 },
      { type: 'refund', key: 'charge:o1', amountMinor: 100 },
    ],
    stock: [],
    reservations: [{ orderId: 'o1', state: 'closed' }],
    initialStock: {},
    restocks: [],
    mails: [],
    mailsReceived: [],
    feeds: [],
  },
  stockDuringRun: [[{ productId: 'P-1', available: 1, reserved: 1, sold: 0, stocked: 2 }]],
  log,
  changedPlaces: [],
  unread: [],
  outbox: [
    { service: 'inventory', position: 1, eventId: 'i1', topic: 'inventory.events', key: 'o1', sent: true },
    { service: 'inventory', position: 2, eventId: 'i2', topic: 'inventory.events', key: 'o1', sent: true },
  ],
  inbox: [
    ...inboxOf('inventory', 'o1.1', 'o1.3', 'o1.5'),
    ...inboxOf('payments', 'o1.1', 'o1.5'),
    ...inboxOf('delivery', 'o1.1', 'o1.3', 'o1.5'),
    ...inboxOf('notifications', 'o1.1', 'o1.2', 'o1.3', 'o1.4', 'o1.5', 'p1', 'p2'),
  ],
  orders: [
    {
      orderId: 'o1',
      handled: ['i1', 'p1', 'p2', 'i2'],
      story: [{ code: 'payment_charged', eventId: 'p1' }, { code: 'payment_refunded' }, { code: 'stock_restocked' }],
    },
  ],
  commits: ['inventory', 'payments', 'delivery', 'notifications'].map((group) => ({
    group,
    topic: 'orders.events',
    partition: 0,
    committed: 5,
    end: 5,
  })),
  frames: [{ userId: 'u1', cursor: 1, eventId: 'o1.1' }],
  mailEventIds: ['o1.5', 'p1', 'p2'],
  poison: [],
  counters: { staleResultsRefused: 0, mailsTwice: 0, idempotentReplays: 1, recordsTwice: 0 },
  load: { asked: 1, placed: 10, seconds: 10 },
}

test('a sound run breaks nothing and is valid', () => {
  assert.deepEqual(checkRun(sound), [])
  assert.deepEqual(whyInvalid(sound), [])
})

const committed = (group: string, topic: string) => ({ group, topic, partition: 0, committed: 9, end: 0 })
const breaches: [what: string, red: string[], evidence: Evidence][] = [
  [
    'a key was accepted with two bodies',
    ['O3'],
    { ...sound, history: lines({}, { request: { items: 2 }, response: { id: 'o1' } }) },
  ],
  ['something still waits', ['O5'], { ...sound, stuck: ['outbox of orders'] }],
  [
    'a snapshot in the middle does not add up',
    ['S1'],
    { ...sound, stockDuringRun: [[{ productId: 'P-1', available: 1, reserved: 1, sold: 1, stocked: 2 }]] },
  ],
  ['an event was never put into a mail', ['E1'], { ...sound, mailEventIds: ['o1.5', 'p1'] }],
  [
    'an outbox sent what is not in the log',
    ['K1'],
    { ...sound, outbox: [...sound.outbox, { ...sound.outbox[0]!, position: 3, eventId: 'i3' }] },
  ],
  ['a place changed its value', ['K3'], { ...sound, changedPlaces: ['orders.events/0/1 was read with two values'] }],
  ['an offset is missing', ['K3'], { ...sound, log: [...log, record('users.events/0/1', 'u1', 'user.seen', {})] }],
  [
    'the end of a partition was never read',
    ['K3'],
    { ...sound, commits: [...sound.commits, { ...committed('orders', 'users.events'), end: 1 }] },
  ],
  [
    'the log has the events of a key in another order than they were committed',
    ['K5'],
    { ...sound, outbox: sound.outbox.map((row) => ({ ...row, position: 3 - row.position })) },
  ],
  [
    'an offset was committed before the work',
    ['K6'],
    { ...sound, inbox: sound.inbox.filter((row) => row.consumer !== 'delivery' || row.eventId !== 'o1.3') },
  ],
  [
    'orders committed past an event that its document does not have',
    ['K6'],
    {
      ...sound,
      orders: sound.orders.map((row) => ({ ...row, handled: ['i1', 'p1', 'p2'] })),
      commits: [...sound.commits, committed('orders', 'inventory.events')],
    },
  ],
  [
    'work that was done is a dead letter',
    ['Q1'],
    {
      ...sound,
      log: [...log, { ...record('orders.events.dlq/0/0', 'o1.1', 'order.created', {}), consumer: 'delivery' }],
      poison: ['o1.1'],
    },
  ],
  [
    'an order of a blocked user went on after the block held',
    ['B1'],
    {
      ...sound,
      log: [
        ...log.map((row) =>
          row.eventId === 'o1.5'
            ? { ...row, data: { ...row.data, userId: 'u1', reason: 'user_blocked', at: 'T5' } }
            : row,
        ),
        record('users.events/0/0', 'b1', 'user.blocked', { userId: 'u1' }, 'u1'),
        record(
          'orders.events/1/0',
          'o2.1',
          'order.created',
          { orderId: 'o2', userId: 'u1', version: 1, at: 'T6' },
          'o2',
        ),
      ],
      mailEventIds: [...sound.mailEventIds, 'b1'],
      frames: [...sound.frames, { userId: 'u1', cursor: 2, eventId: 'b1' }],
    },
  ],
  [
    'what was not poison became a dead letter',
    ['Q1'],
    { ...sound, log: [...log, { ...record('orders.events.dlq/0/0', 'x', 'order.paid', {}), consumer: 'delivery' }] },
  ],
  [
    'an event was handled twice: two events for one version',
    ['G1', 'X2'],
    { ...sound, log: [...log, record('inventory.events/0/2', 'i3', 'stock.released', { orderId: 'o1' })] },
  ],
  [
    'one event made two frames',
    ['X2'],
    { ...sound, frames: [...sound.frames, { userId: 'u1', cursor: 2, eventId: 'o1.1' }] },
  ],
  [
    'the stock was released before the payment was undone',
    ['G1'],
    { ...sound, orders: sound.orders.map((row) => ({ ...row, story: [...row.story].reverse() })) },
  ],
]

for (const [what, red, evidence] of breaches)
  test(`${what}: ${red.join(', ')}`, () => {
    assert.deepEqual([...new Set(checkRun(evidence).map((violation) => violation.id))].sort(), red)
  })

test('a record that was sent again under its id is not a second event', () => {
  const again = { ...log.at(-1)!, offset: 2 }
  assert.deepEqual(checkRun({ ...sound, log: [...log, again] }), [])
})

test("ProcessPayment's answer and its event are one: the second is not recorded and not missed", () => {
  const evidence = {
    ...sound,
    orders: sound.orders.map((row) => ({ ...row, handled: ['i1', 'p2', 'i2'] })),
    commits: [...sound.commits, committed('orders', 'payments.events')],
  }
  assert.deepEqual(checkRun(evidence), [])
})

test('a dead letter is finished work', () => {
  const poison = { ...log[2]!, offset: 5, eventId: 'bad', data: {} }
  const letters = ['inventory', 'delivery', 'notifications'].map((consumer, offset) => ({
    ...record(`orders.events.dlq/0/${offset}`, 'bad', 'order.paid', {}),
    consumer,
  }))
  const commits = sound.commits.map((row) => ({ ...row, committed: 6, end: 6 }))
  const evidence = { ...sound, log: [...log, poison, ...letters], commits, poison: ['bad'] }
  assert.deepEqual(checkRun(evidence), [])
  assert.deepEqual(
    [...new Set(checkRun({ ...evidence, log: [...log, poison] }).map((violation) => violation.id))],
    ['K6'],
  )
})

test('a run proves nothing when a fault did not fire, or poison did no harm', () => {
  const idle = { ...sound, faults: [{ ...sound.faults[0]!, fired: false, note: 'nothing was under way' }] }
  assert.deepEqual(whyInvalid(idle), ['kill of orders-1 did not fire: nothing was under way'])
  const slow = { ...sound, load: { asked: 30, placed: 200, seconds: 10 } }
  assert.deepEqual(whyInvalid(slow), ['only 20.0 of 30 orders a second were placed'])
  assert.deepEqual(whyInvalid({ ...sound, unread: ['orders.events/0 was read to 7 of 9'] }), [
    'the checker did not read the whole log: orders.events/0 was read to 7 of 9',
  ])
  assert.deepEqual(whyInvalid({ ...sound, poison: ['bad'] }), ['poison bad never became a dead letter'])
  const blocked = record('users.events/0/0', 'b1', 'user.blocked', { userId: 'u9' }, 'u9')
  assert.deepEqual(whyInvalid({ ...sound, log: [...sound.log, blocked] }), [
    'no order was open when its user was blocked',
  ])
})

test('attempts: an answer with an order, a refusal by every answer, or nothing that anybody may claim', () => {
  const userIds = new Map([['user-1', 'u1']])
  const attempt = (...entries: Partial<HistoryEntry>[]) => attemptsOf(lines(...entries), userIds)
  const invoke = { type: 'invoke' } as const
  const refusal = { type: 'fail', response: { code: 'out_of_stock' } } as const
  const silence = { type: 'info', response: 'socket hang up' } as const
  const slot = { userId: 'u1', key: 'k1' }
  assert.deepEqual(attempt(invoke, silence, invoke, { response: { id: 'o1' } }), [{ ...slot, orderId: 'o1' }])
  assert.deepEqual(attempt(invoke, refusal), [{ ...slot, refused: 'out_of_stock' }])
  assert.deepEqual(attempt(invoke, silence, invoke, refusal), [slot])
  assert.deepEqual(attempt(invoke), [slot])
})

test('restocks count once per key', () => {
  const restock = { f: 'restock', key: 'r1', request: { productId: 'P-1', quantity: 2 } }
  const invoke = { ...restock, type: 'invoke' } as const
  const silence = { ...restock, key: 'r2', type: 'info' } as const
  const refusal = { ...restock, key: 'r3', type: 'fail' } as const
  const history = lines(invoke, restock, restock, { ...invoke, key: 'r2' }, silence, { ...invoke, key: 'r3' }, refusal)
  assert.deepEqual(restocksOf(history), [
    { key: 'r1', productId: 'P-1', quantity: 2 },
    { key: 'r2', productId: 'P-1', quantity: 2, unanswered: true },
  ])
})
