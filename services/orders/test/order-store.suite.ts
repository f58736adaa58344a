/**
 * What every OrderStore must do, whatever keeps the documents. Run it with a store that is empty and shared by nobody;
 * `open` gives another handle on the same data, as a second instance of the service has.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import type { StoredEvent } from '@svyaz/kit'
import { type Order, viewOf } from '../src/domain.ts'
import type { OrderStore } from '../src/storage.ts'

const at = '2026-01-02T03:04:05.000Z'
let sequence = 0
/** Ids sort by time of making, as UUIDv7 do. */
const nextId = (): string => `019b0000-0000-7000-8000-${String(++sequence).padStart(12, '0')}`

export const orderOf = (userId: string, more: Partial<Order> = {}): Order => ({
  id: nextId(),
  userId,
  status: 'pending',
  version: 1,
  itemsVersion: 1,
  items: [{ productId: 'P-1001', quantity: 2, name: 'Lamp', unitPrice: { amountMinor: 500, currency: 'EUR' } }],
  total: { amountMinor: 1_000, currency: 'EUR' },
  payment: 'queue',
  paymentMethod: 'pm_ok',
  deliveryMethod: 'dm_ok',
  paymentStep: 'idle',
  reserveAt: at,
  createdAt: at,
  updatedAt: at,
  history: [],
  ...more,
})

export const eventOf = (order: Order, type: string): StoredEvent => ({
  id: randomUUID(),
  topic: 'orders.events',
  type,
  key: order.id,
  subject: order.id,
  data: { orderId: order.id },
  time: at,
  traceparent: undefined,
})

export const createIn = async (store: OrderStore, order: Order, key: string = randomUUID()) => {
  const event = eventOf(order, 'order.created')
  const result = await store.create(order, viewOf(order), { key, bodyHash: 'hash' }, [event])
  return { ...result, event }
}

export const orderStoreSuite = (
  name: string,
  open: () => Promise<{ store: OrderStore; another: OrderStore }>,
): void => {
  describe(`order store: ${name}`, () => {
    let stores: { store: OrderStore; another: OrderStore }
    test('opens', async () => {
      stores = await open()
    })

    test('an id of another form than ours names nothing', async () => {
      const { store } = stores
      for (const odd of ['nope', '1', "'; DROP TABLE orders; --", '019b0000-0000-7000-8000-00000000000', '{}']) {
        assert.equal(await store.get(odd), undefined)
        assert.deepEqual(await store.getMany([odd]), [])
        assert.equal(await store.byKey(odd, 'key'), undefined)
        assert.equal(await store.change(odd, undefined, () => assert.fail('there is nothing to decide on')), undefined)
        assert.deepEqual(await store.list(odd, { limit: 10 }), [])
        assert.deepEqual(await store.totals(odd), { orders: 0, spentMinor: 0 })
        assert.equal(await store.isBlocked(odd), false)
      }
    })

    test('many orders are read at once, those that are there', async () => {
      const { store } = stores
      const made = [orderOf(randomUUID()), orderOf(randomUUID())]
      for (const order of made) await createIn(store, order)
      const ids = made.map(({ id }) => id)
      const found = await store.getMany([...ids, randomUUID(), 'nope'])
      assert.deepEqual(found.map(({ id }) => id).sort(), ids.sort())
      assert.deepEqual(await store.getMany([]), [])
    })

    test('an order is unique per user and key, also when both come at once', async () => {
      const { store, another } = stores
      const userId = randomUUID()
      const results = await Promise.all(
        [store, another, store, another].map((one) => createIn(one, orderOf(userId), 'same key')),
      )
      assert.equal(results.filter((result) => result.fresh).length, 1)
      const ids = new Set(results.map((result) => result.stored.order.id))
      assert.equal(ids.size, 1)
      assert.deepEqual((await store.list(userId, { limit: 10 })).length, 1)
      assert.equal((await store.byKey(userId, 'same key'))?.bodyHash, 'hash')
      assert.equal((await createIn(store, orderOf(randomUUID()), 'same key')).fresh, true, 'the key is the user’s own')
    })

    test('a change is applied once per cause, and by compare-and-set: of many at once none is lost', async () => {
      const { store, another } = stores
      const order = orderOf(randomUUID())
      await createIn(store, order)
      const bump = (one: OrderStore, cause: string) =>
        one.change(order.id, cause, (now) => ({ order: { ...now, version: now.version + 1 }, events: [] }))
      const causes = Array.from({ length: 8 }, (_, index) => `cause ${index}`)
      await Promise.all([...causes, ...causes].map((cause, index) => bump(index % 2 ? store : another, cause)))
      assert.equal((await store.get(order.id))?.version, 1 + causes.length)
      assert.equal((await bump(store, 'cause 3'))?.applied, false)
      assert.equal(await bump(store, 'x').then((result) => result?.applied), true)
      assert.equal(await store.change(randomUUID(), 'x', (now) => ({ order: now, events: [] })), undefined)
    })

    test('a refused decision writes nothing, and its refusal comes out', async () => {
      const { store } = stores
      const order = orderOf(randomUUID())
      await createIn(store, order)
      const refuse = () => {
        throw new Error('no')
      }
      await assert.rejects(store.change(order.id, 'cause', refuse), /no/)
      assert.deepEqual(await store.change(order.id, 'cause', () => undefined), { order, applied: false })
    })

    test('pending events come in their order, and go when they are marked, not with later ones', async () => {
      const { store, another } = stores
      const order = orderOf(randomUUID())
      const { event: first } = await createIn(store, order)
      const second = eventOf(order, 'order.changed')
      await store.change(order.id, 'c1', (now) => ({ order: now, events: [second] }))
      const mine = async () => (await another.pending(10_000)).filter((event) => event.key === order.id)
      assert.deepEqual(
        (await mine()).map((event) => event.id),
        [first.id, second.id],
      )
      assert.ok((await store.oldestAt())! <= Date.now())

      const third = eventOf(order, 'order.processing')
      await Promise.all([
        another.markSent([first, second]),
        store.change(order.id, 'c2', (now) => ({ order: now, events: [third] })),
      ])
      assert.deepEqual(
        (await mine()).map((event) => event.id),
        [third.id],
      )
      await store.markSent([third])
      await store.markSent([third])
      assert.deepEqual(await mine(), [])
    })

    test('lists are the user’s own, newest first, by pages; totals count what is paid', async () => {
      const { store } = stores
      const userId = randomUUID()
      const orders = [orderOf(userId), orderOf(userId, { status: 'paid' }), orderOf(userId, { status: 'completed' })]
      for (const order of [...orders, orderOf(randomUUID())]) await createIn(store, order)
      const newest = orders.map((order) => order.id).reverse()
      const page = await store.list(userId, { limit: 2 })
      assert.deepEqual(
        page.map((order) => order.id),
        newest.slice(0, 2),
      )
      const rest = await store.list(userId, { limit: 2, beforeId: newest[1]! })
      assert.deepEqual(
        rest.map((order) => order.id),
        newest.slice(2),
      )
      assert.deepEqual(await store.totals(userId), { orders: 3, spentMinor: 2_000 })
      const open = await store.openOrders(userId, { limit: 10 })
      assert.deepEqual(
        open.map((order) => order.status),
        ['pending', 'paid'],
      )
    })

    test('orders whose payment is to be called are found until they are past it', async () => {
      const { store, another } = stores
      const order = orderOf(randomUUID(), { status: 'processing', paymentStep: 'calling' })
      await createIn(store, order)
      await createIn(store, orderOf(randomUUID(), { status: 'processing', paymentStep: 'queued' }))
      assert.deepEqual(
        (await another.awaitingPaymentCall(10)).map((found) => found.id),
        [order.id],
      )
      await store.change(order.id, 'paid', (now) => ({ order: { ...now, paymentStep: 'charged' }, events: [] }))
      assert.deepEqual(await another.awaitingPaymentCall(10), [])
    })

    test('orders on their way to being paid are counted by when they were made, up to a number', async () => {
      const { store, another } = stores
      const before = await store.underWay({ madeBeforeMs: Date.parse(at), max: 1_000 })
      const user = randomUUID()
      const made = async (status: Order['status']) => {
        const order = orderOf(user, { status })
        await createIn(store, order)
        return order
      }
      const first = await made('pending')
      for (const status of ['processing', 'paid', 'shipped', 'completed', 'rejected', 'cancelling'] as const)
        await made(status)
      const count = (max: number) => another.underWay({ madeBeforeMs: Date.parse(at), max })
      assert.equal(await count(1_000), before + 2)
      assert.equal(await count(1), 1)
      await store.change(first.id, 'cause', (order) => ({ order: { ...order, status: 'paid' }, events: [] }))
      assert.equal(await count(1_000), before + 1)
      // The ids of these orders say that they were made in 2025.
      assert.equal(await another.underWay({ madeBeforeMs: Date.parse('2024-01-01'), max: 1_000 }), 0)
    })

    test('orders of everybody are found by status and age, oldest or newest first, by pages, and counted', async () => {
      const { store, another } = stores
      const before = await store.sagaTotals(1_000)
      const made: Order[] = []
      for (const status of ['pending', 'completed', 'cancelling', 'pending', 'rejected'] as const) {
        const order = orderOf(randomUUID(), { status })
        await createIn(store, order)
        made.push(order)
      }
      const mine = new Set(made.map(({ id }) => id))
      const numbers = async (page: Parameters<OrderStore['sagas']>[0]) =>
        (await another.sagas(page)).flatMap(({ id }) =>
          mine.has(id) ? [made.findIndex((order) => order.id === id)] : [],
        )
      const ask = { statuses: ['pending', 'cancelling'], sort: 'newest', limit: 1_000 } as const
      assert.deepEqual(await numbers(ask), [3, 2, 0])
      assert.deepEqual(await numbers({ ...ask, sort: 'oldest' }), [0, 2, 3])
      assert.deepEqual(await numbers({ ...ask, limit: 2 }), [3, 2])
      assert.deepEqual(await numbers({ ...ask, beyondId: made[2]!.id }), [0])
      assert.deepEqual(await numbers({ ...ask, sort: 'oldest', beyondId: made[2]!.id, limit: 1 }), [3])
      assert.deepEqual(await numbers({ ...ask, statuses: ['completed', 'rejected'] }), [4, 1])
      // The ids of these orders say that they were made in 2025.
      assert.deepEqual(await another.sagas({ ...ask, madeBeforeMs: Date.parse('2024-01-01') }), [])
      assert.deepEqual(await numbers({ ...ask, madeBeforeMs: Date.parse(at) }), [3, 2, 0])
      const after = await another.sagaTotals(1_000)
      const gained = (status: Order['status']) => (after.get(status) ?? 0) - (before.get(status) ?? 0)
      assert.deepEqual([gained('pending'), gained('completed'), gained('cancelling'), gained('paid')], [2, 1, 1, 0])
      assert.equal((await another.sagaTotals(1)).get('pending'), 1)
      await store.change(made[0]!.id, 'cause', (order) => ({ order: { ...order, status: 'cancelled' }, events: [] }))
      assert.deepEqual(await numbers(ask), [3, 2])
    })

    test('what is told of an order is kept once per event, in its order, and leaves the order as it was', async () => {
      const { store, another } = stores
      const order = orderOf(randomUUID())
      await createIn(store, order)
      const sent = (second: number, messageId: string) => ({
        at: `2026-01-02T03:04:0${second}.000Z`,
        service: 'notifications',
        via: 'smtp' as const,
        code: 'mail_sent' as const,
        data: { about: 'order.paid' as const, messageId },
      })
      const [first, second] = [sent(1, 'm1'), sent(2, 'm2')]
      const ids = [randomUUID(), randomUUID()] as const
      await Promise.all([store, another, store].map((one) => one.tell(order.id, ids[1], second)))
      await store.tell(order.id, ids[0], first)
      assert.deepEqual(await another.told(order.id), [first, second])
      assert.deepEqual(await store.get(order.id), order)
      assert.deepEqual(await store.told(randomUUID()), [])
    })

    test('a user’s standing keeps its newest version, whatever comes late', async () => {
      const { store } = stores
      const userId = randomUUID()
      assert.equal(await store.isBlocked(userId), false)
      await store.setStanding(userId, { version: 2, blocked: true })
      await store.setStanding(userId, { version: 1, blocked: false })
      assert.equal(await store.isBlocked(userId), true)
      await store.setStanding(userId, { version: 3, blocked: false })
      assert.equal(await store.isBlocked(userId), false)
    })
  })
}
