/** Parts go away and come back, in order and one at a time, while orders are under way: nothing is lost. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import type { OrderWish, Person } from '@svyaz/observe/person.ts'
import { until } from '@svyaz/observe/until.ts'
import { assertProblem } from './problems.ts'
import type { World } from './world.ts'

const one = (productId: string, quantity = 1) => [{ productId, quantity }]

/** As a careful client does: the same request with the same key until there is an answer that says yes. */
const insist = (user: Person, wish: OrderWish): Promise<OrderView> => {
  const key = randomUUID()
  return until(
    'an order to be accepted',
    async () => {
      const answer = await user.tryOrder(wish, key)
      if (answer.status === 201) return answer.body as OrderView
      assert.ok(answer.status >= 500, `refused for good: ${answer.status} ${JSON.stringify(answer.body)}`)
      return false
    },
    { timeoutMs: 30_000, everyMs: 200 },
  )
}

/** Stops and starts parts while orders are under way. */
export const outageScenarios = (world: () => World): void => {
  describe('when parts are away', () => {
    it('payments: orders wait, a payment "now" is queued, a cancelled one is never charged', {
      timeout: 90_000,
    }, async () => {
      const w = world()
      const user = await w.register('Quentin Queue')
      const product = w.product()
      const before = await w.stock(product)
      await w.system.stop('payments')
      const now = await user.order({ items: one(product), payment: 'now' })
      const later = await user.order({ items: one(product) })
      const regretted = await user.order({ items: one(product) })
      await user.untilTold(now.id, 'charge_fell_back')
      for (const order of [now, later, regretted]) await user.untilStatus(order.id, 'processing')
      assert.equal((await w.stock(product)).reserved, before.reserved + 3)
      const story = await user.story(later.id)
      assert.deepEqual(
        story.remaining.map((step) => step.service),
        ['payments', 'delivery'],
      )
      const away = await user.ask('GET', `/payments?orderId=${now.id}`)
      assertProblem(away, 'unavailable')
      assert.ok(Number(away.headers['retry-after']) >= 1, 'it says when to ask again')
      const cancelled = await user.ask<OrderView>('POST', `/orders/${regretted.id}/cancel`)
      assert.equal(cancelled.body.status, 'cancelling')

      await w.system.start('payments')
      await w.system.waitReady()
      await user.untilStatus(now.id, 'completed', 60_000)
      await user.untilStatus(later.id, 'completed', 60_000)
      await user.untilStatus(regretted.id, 'cancelled', 60_000)
      assert.equal(await w.held(regretted.id), 0)
      await user.untilTold(regretted.id, 'stock_released')
      assert.equal((await w.stock(product)).available, before.available - 2)
    })

    it('each part in turn is restarted between orders, and every order ends well', { timeout: 300_000 }, async () => {
      const w = world()
      const user = await w.register('Rosa Restart')
      const product = w.product()
      const feed = await user.openFeed()
      const placed: OrderView[] = []
      for (const part of [
        'broker',
        'postgres',
        'discovery',
        'config',
        'telemetry',
        'users',
        'inventory',
        'orders',
        'payments',
        'delivery',
        'notifications',
        'gateway',
      ]) {
        placed.push(await insist(user, { items: one(product) }))
        await w.restart(part)
        placed.push(await insist(user, { items: one(product) }))
        if (!feed.isOpen) await until('the stream to be open again', () => feed.open().then(() => true))
      }
      await w.system.waitReady()
      for (const order of placed) await user.untilStatus(order.id, 'completed', 60_000)
    })

    it('orders run in two instances while they flow, and in one again', { timeout: 120_000 }, async () => {
      const w = world()
      const user = await w.register('Stella Scale')
      const product = w.product()
      const stop = new AbortController()
      const placed: OrderView[] = []
      const flow = (async () => {
        while (!stop.signal.aborted) placed.push(await insist(user, { items: one(product) }))
      })()
      const enough = (count: number) => until(`${count} orders`, () => placed.length >= count, { timeoutMs: 30_000 })
      await enough(3)
      await w.system.scale('orders', 2)
      await w.system.waitReady()
      const served = async (instance: string) => {
        const view = w.system.instances().find((candidate) => candidate.name === instance)
        const text = await (await fetch(`http://127.0.0.1:${view?.ports.management}/metrics`)).text()
        return /^http_server_request_duration_seconds_count\{[^}]*route="\/orders"[^}]*\} [1-9]/m.test(text)
      }
      await until('both instances to take orders', async () => (await served('orders-1')) && (await served('orders-2')))
      await enough(placed.length + 5)
      await w.system.scale('orders', 1)
      await enough(placed.length + 3)
      stop.abort()
      await flow
      for (const order of placed) await user.untilStatus(order.id, 'completed', 60_000)
    })
  })
}
