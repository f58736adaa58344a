/**
 * What may still be changed about an order, and when. Settings are changed at run time so that time stands still where a
 * scenario needs it: a long change window holds orders at `pending`, a long way to the parcel service at `paid`.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import { ask } from '@svyaz/observe/http.ts'
import type { Person } from '@svyaz/observe/person.ts'
import { until } from '@svyaz/observe/until.ts'
import type { World } from './world.ts'

const held = 600_000
const one = (productId: string, quantity = 1) => [{ productId, quantity }]

/** Neither by password nor by a refresh token; only who knows the password is told why. */
async function assertCannotSignIn(user: Person): Promise<void> {
  const login = await ask('POST', `${user.gateway}/auth/login`, {
    body: { email: user.email, password: user.password },
  })
  assert.deepEqual([login.status, login.body.code], [403, 'user_blocked'])
  const wrong = await ask('POST', `${user.gateway}/auth/login`, { body: { email: user.email, password: 'a guess' } })
  assert.deepEqual([wrong.status, wrong.body.code], [401, 'invalid_credentials'], 'a block is told to the owner only')
  const refresh = await ask('POST', `${user.gateway}/auth/refresh`, { body: { refreshToken: user.refreshToken } })
  assert.ok([401, 403].includes(refresh.status), JSON.stringify(refresh.body))
}

/** A charge task that was under way when the block came: payments refuses it by itself. */
async function assertChargeIsRefused(w: World, user: Person): Promise<void> {
  const orderId = crypto.randomUUID()
  await w.events.write({
    topic: 'payments.tasks',
    type: 'payment.charge',
    source: '/orders',
    key: orderId,
    data: {
      orderId,
      userId: user.id,
      amount: { amountMinor: 100, currency: 'EUR' },
      method: 'pm_ok',
      at: new Date().toISOString(),
    },
  })
  const refused = await until('payments to refuse the charge', async () => {
    const rows = await w.databases.rows<{ status: string; reason: string }>(
      'payments',
      'SELECT status, reason FROM payments WHERE order_id = $1',
      [orderId],
    )
    return rows[0]?.status === 'declined' && rows[0]
  })
  assert.equal(refused.reason, 'user_blocked')
  assert.deepEqual(await w.ledger(orderId), [])
}

/** Changes and cancels orders at each of their stages. */
export const changeScenarios = (world: () => World): void => {
  describe('while the settings hold orders back', () => {
    it('a setting that breaks its schema is refused, with a pointer, and changes nothing', async () => {
      const w = world()
      const answer = await w.admin.ask('PUT', `/admin/orders/${w.profile}`, {
        body: { properties: { changeWindowMs: -1 } },
      })
      assert.deepEqual([answer.status, answer.body.code], [422, 'invalid_properties'])
      assert.match(JSON.stringify(answer.body.errors), /changeWindowMs/)
      assert.equal((await w.info('orders-1')).settings.changeWindowMs, 0)
    })

    it('an application that nobody is, is not found; nothing, and what cannot be kept, is not a change', async () => {
      const put = async (application: string, properties: object) =>
        (await world().admin.ask('PUT', `/admin/${application}/${world().profile}`, { body: { properties } })).body.code
      assert.equal(await put('nobody', { a: 1 }), 'not_found')
      assert.equal(await put('orders', {}), 'invalid_request')
      for (const kept of ['a\0b', '\ud800', { 'a\0b': 1 }])
        assert.equal(await put('gateway', { routes: [kept] }), 'invalid_properties')
    })

    it('an order for nobody is refused with 422', async () => {
      const body = { items: one('P-1001'), userId: '0198b6f0-2f4e-7c3a-9d1e-6a4f1c2b3d4e' }
      const answer = await world().admin.ask('POST', '/orders', { body })
      assert.deepEqual([answer.status, answer.body.code], [422, 'unknown_user'])
    })

    it('a setting applies without a restart, and its history is kept', async () => {
      const w = world()
      const before = w.system.instances().map((view) => view.pid)
      await w.configure('delivery', { shipAfterMs: held })
      await w.configure('orders', { changeWindowMs: held })
      const user = await w.register('Wanda Window')
      const placed = await user.order({ items: one(w.product()) })
      const stored = (await w.storedOrders()).find((order) => order.id === placed.id)!
      assert.equal(Date.parse(stored.document.reserveAt) - Date.parse(placed.createdAt) > held / 2, true)
      assert.equal((await user.ask('POST', `/orders/${placed.id}/cancel`)).body.status, 'cancelled')
      assert.deepEqual(
        w.system.instances().map((view) => view.pid),
        before,
      )
      const history = await w.admin.ask('GET', `/admin/orders/${w.profile}/history`)
      assert.deepEqual([history.body[0].name, history.body[0].value], ['changeWindowMs', held])
      await w.configure('orders', { changeWindowMs: 0 })
    })

    it('of two orders for the last pieces one gets them, the other is rejected with the stock untouched', async () => {
      const w = world()
      await w.configure('orders', { changeWindowMs: 3_000 })
      const users = await Promise.all([w.register('Ann Race'), w.register('Ben Race')])
      const product = w.scarceProduct()
      const all = (await w.stock(product)).available
      // Both are accepted: nothing is reserved before the change window is over.
      const placed = await Promise.all(users.map((user) => user.order({ items: one(product, all) })))
      const ends = await Promise.all(
        placed.map((order) =>
          until(
            `order ${order.id} to be decided`,
            async () => {
              const seen = await w.admin.read(order.id)
              return ['paid', 'rejected'].includes(seen.status) && seen
            },
            { explain: () => w.explain(order.id) },
          ),
        ),
      )
      assert.deepEqual(ends.map((order) => order.status).sort(), ['paid', 'rejected'])
      const winner = ends.find((order) => order.status === 'paid')!
      assert.equal(ends.find((order) => order.status === 'rejected')!.reason, 'out_of_stock')
      await until('the stock to be sold', async () => (await w.stock(product)).sold === all)
      assert.deepEqual(await w.stock(product), { available: 0, reserved: 0, sold: all, stocked: all })
      const cancelled = await w.admin.ask<OrderView>('POST', `/orders/${winner.id}/cancel`)
      assert.equal(cancelled.status, 200)
      await w.admin.untilStatus(winner.id, 'cancelled')
      await w.admin.untilTold(winner.id, 'stock_restocked')
      assert.equal((await w.stock(product)).available, all)
      await w.configure('orders', { changeWindowMs: 0 })
    })

    it('a paid order that is cancelled is refunded, and its stock put back', async () => {
      const w = world()
      const user = await w.register('Paula Paid')
      const product = w.product()
      const before = await w.stock(product)
      const placed = await user.order({ items: one(product, 2) })
      await user.untilStatus(placed.id, 'paid')
      assert.equal(await w.held(placed.id), placed.total.amountMinor)
      const answer = await user.ask<OrderView>('POST', `/orders/${placed.id}/cancel`)
      assert.deepEqual([answer.status, answer.body.status], [200, 'cancelling'])
      await user.untilStatus(placed.id, 'cancelled')
      assert.equal(await w.held(placed.id), 0)
      assert.equal((await user.payment(placed.id))?.status, 'refunded')
      await user.untilTold(placed.id, 'stock_restocked')
      assert.deepEqual(await w.stock(product), before)
      const [delivery] = (await user.ask('GET', `/deliveries?orderId=${placed.id}`)).body
      assert.equal(delivery.status, 'cancelled')
      await w.untilMailed(user, /order cancelled/i)
      const again = await user.ask<OrderView>('POST', `/orders/${placed.id}/cancel`)
      assert.deepEqual([again.status, again.body.status], [200, 'cancelled'], 'cancelling twice is one cancelling')
    })

    it('an order that is cancelled within its change window never meets payment or stock', async () => {
      const w = world()
      await w.configure('orders', { changeWindowMs: held })
      const user = await w.register('Peter Pending')
      const product = w.product()
      const before = await w.stock(product)
      const placed = await user.order({ items: one(product) })
      const answer = await user.ask<OrderView>('POST', `/orders/${placed.id}/cancel`)
      assert.deepEqual([answer.status, answer.body.status], [200, 'cancelled'])
      await until('the payment to be closed', async () => (await user.payment(placed.id))?.status === 'voided')
      assert.deepEqual(await w.ledger(placed.id), [])
      assert.deepEqual(await w.stock(product), before)
    })

    it('a pending order can be changed by who read its last version; afterwards it takes its way', async () => {
      const w = world()
      const user = await w.register('Clara Change')
      const [first, second] = [w.product(), w.product()]
      const before = await Promise.all([w.stock(first), w.stock(second)])
      const placed = await user.order({ items: one(first, 2) })
      const read = await user.ask<OrderView>('GET', `/orders/${placed.id}`)
      assert.equal(read.headers.etag, '"1"')
      const change = (etag: string, items: object) =>
        user.ask<OrderView & { code: string }>('PATCH', `/orders/${placed.id}`, {
          headers: { 'if-match': etag },
          body: { items },
        })
      const changed = await change('"1"', one(second, 3))
      assert.deepEqual([changed.status, changed.headers.etag], [200, '"2"'])
      assert.deepEqual(
        changed.body.items.map((item) => [item.productId, item.quantity]),
        [[second, 3]],
      )
      assert.notEqual(changed.body.total.amountMinor, placed.total.amountMinor)
      const late = await change('"1"', one(first, 9))
      assert.deepEqual([late.status, late.body.code], [412, 'version_mismatch'])
      const unknown = await change('"2"', one('P-9999'))
      assert.deepEqual([unknown.status, unknown.body.code], [422, 'unknown_product'])
      assert.equal((await user.read(placed.id)).version, 2, 'refusals change nothing')

      await Promise.all([w.configure('orders', { changeWindowMs: 0 }), w.configure('delivery', { shipAfterMs: 0 })])
      assert.equal((await change('"2"', one(second, 4))).status, 200)
      const done = await user.untilStatus(placed.id, 'completed')
      const after = await change(`"${done.version}"`, one(first))
      assert.deepEqual([after.status, after.body.code], [409, 'order_not_changeable'])
      const cancel = await user.ask('POST', `/orders/${placed.id}/cancel`)
      assert.deepEqual([cancel.status, cancel.body.code], [409, 'order_not_cancellable'])
      assert.equal(await w.held(placed.id), done.total.amountMinor)
      await until('the stock to be sold', async () => (await w.stock(second)).sold === before[1]!.sold + 4)
      assert.deepEqual(await w.stock(first), before[0])
    })

    it('a blocked user is shut out everywhere: orders, payments, login, tokens, open sockets', async () => {
      const w = world()
      await w.configure('delivery', { shipAfterMs: held })
      const user = await w.register('Bruno Blocked')
      const [first, second] = [w.product(), w.product()]
      const before = await Promise.all([w.stock(first), w.stock(second)])
      const paid = await user.order({ items: one(first) })
      await user.untilStatus(paid.id, 'paid')
      await w.configure('orders', { changeWindowMs: held })
      const pending = await user.order({ items: one(second) })
      const feed = await user.openFeed()
      const closed = feed.closed()

      const blocked = await w.admin.ask('POST', `/users/${user.id}/block`, { body: { reason: 'chargebacks' } })
      assert.deepEqual([blocked.status, blocked.body.status], [200, 'blocked'])
      for (const order of [paid, pending]) {
        const ended = await w.admin.untilStatus(order.id, 'cancelled')
        assert.equal(ended.reason, 'user_blocked')
        assert.equal(await w.held(order.id), 0)
      }
      await w.admin.untilTold(paid.id, 'stock_restocked')
      assert.deepEqual(await Promise.all([w.stock(first), w.stock(second)]), before)

      // Kept for 30 s otherwise: the gateway hears of the block and drops what it knew of the token.
      await until('the token to be refused', async () => (await user.ask('GET', '/users/me')).status === 401, {
        timeoutMs: 5_000,
      })
      assert.ok([4401, 4403, 1008].includes(await closed), 'the open stream is closed')
      await assertCannotSignIn(user)
      const forThem = await w.admin.tryOrder({ items: one(first), userId: user.id })
      assert.deepEqual([forThem.status, (forThem.body as { code: string }).code], [403, 'user_blocked'])
      await w.untilMailed(user, /account is blocked/i)

      await assertChargeIsRefused(w, user)

      const unblocked = await w.admin.ask('POST', `/users/${user.id}/unblock`)
      assert.equal(unblocked.body.status, 'active')
      await w.configure('orders', { changeWindowMs: 0 })
      await w.configure('delivery', { shipAfterMs: 600 })
      const back = await w.login(user.email, user.password)
      user.token = back.token
      const placed = await until('the block to be forgotten by orders', async () => {
        const answer = await back.tryOrder({ items: one(first) })
        return answer.status === 201 && (answer.body as OrderView)
      })
      await back.untilStatus(placed.id, 'completed')
    })
  })
}
