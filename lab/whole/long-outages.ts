/** Parts that are away for long: what goes on without them, what waits, and that all of it completes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import type { Person } from '@svyaz/observe/person.ts'
import { until } from '@svyaz/observe/until.ts'
import { check } from '../checker/invariants.ts'
import { collect } from './evidence.ts'
import type { World } from './world.ts'

/** Seconds that the oldest unsent event of a service has waited, by its own metric. */
async function oldestOutboxSeconds(w: World, instance: string): Promise<number> {
  const view = w.system.instances().find((candidate) => candidate.name === instance)
  const text = await (await fetch(`http://127.0.0.1:${view?.ports.management}/metrics`)).text()
  return Number(/^svyaz_outbox_oldest_age_seconds(?:\{.*\})? (\S+)$/m.exec(text)?.[1])
}

async function deadLetters(w: World): Promise<string[]> {
  const topics = (await w.topics.names()).filter((name) => name.endsWith('.dlq'))
  const letters = await Promise.all(topics.map((topic) => w.topics.read(topic)))
  return letters.flatMap((records, index) => records.map((record) => `${topics[index]} ${record.headers.ce_type}`))
}

async function allComplete(user: Person, orders: readonly OrderView[]): Promise<void> {
  for (const order of orders) await user.untilStatus(order.id, 'completed', 120_000)
}

const setProcessor = async (w: World, mode: 'ok' | 'unavailable'): Promise<void> => {
  const answer = await fetch(`${w.system.url('payment-processor')}/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ mode }),
  })
  assert.equal(answer.status, 200, await answer.text())
}

/** Orders placed one after the other for so long. */
async function placeFor(user: Person, productId: string, forMs: number, payment: 'queue' | 'now' = 'queue') {
  const placed: OrderView[] = []
  const endAt = performance.now() + forMs
  while (performance.now() < endAt) {
    placed.push(await user.order({ items: [{ productId, quantity: 1 }], payment }))
    await delay(1_000)
  }
  return placed
}

/** Takes parts away for long, one after another. */
export const longOutageScenarios = (world: () => World): void => {
  describe('away for long', () => {
    it('the broker for 10 s: orders are accepted, the oldest unsent event grows older, then all is sent', {
      timeout: 120_000,
    }, async () => {
      const w = world()
      const user = await w.register('Bruno Broker')
      const product = w.product()
      await w.system.stop('broker')
      const ages: number[] = []
      const placed: OrderView[] = []
      for (let second = 1; second <= 10; second++) {
        placed.push(...(await placeFor(user, product, 1_000)))
        ages.push(await oldestOutboxSeconds(w, 'orders-1'))
      }
      assert.deepEqual(
        ages,
        ages.toSorted((a, b) => a - b),
        'it grows',
      )
      assert.ok(ages.at(-1)! > 5, `the oldest is ${ages.at(-1)} s old`)
      await w.system.start('broker')
      await until('nothing to be unsent', async () => (await oldestOutboxSeconds(w, 'orders-1')) === 0)
      await allComplete(user, placed)
    })

    it('payments and the processor for a minute: nothing becomes a dead letter, "now" is queued, all completes', {
      timeout: 240_000,
    }, async () => {
      const w = world()
      const user = await w.register('Paula Payment')
      const product = w.product()
      await setProcessor(w, 'unavailable')
      const placed = await placeFor(user, product, 30_000, 'now')
      await w.system.stop('payments')
      placed.push(...(await placeFor(user, product, 30_000, 'now')))
      await user.untilTold(placed.at(-1)!.id, 'charge_fell_back')
      await w.system.start('payments')
      await setProcessor(w, 'ok')
      await w.system.waitReady()
      await allComplete(user, placed)
      assert.deepEqual(await deadLetters(w), [])
    })

    it('PostgreSQL, killed: what was accepted is there, and it goes on', { timeout: 120_000 }, async () => {
      const w = world()
      const user = await w.register('Pia Postgres')
      const product = w.product()
      const before = await placeFor(user, product, 1_000)
      await w.system.kill('postgres')
      await w.system.waitReady()
      const later = await until('an order to be accepted again', async () => {
        const answer = await user.tryOrder({ items: [{ productId: product, quantity: 1 }] })
        return answer.status === 201 && (answer.body as OrderView)
      })
      await allComplete(user, [...before, later])
    })

    it('discovery: the addresses that are known go on serving', { timeout: 120_000 }, async () => {
      const w = world()
      const user = await w.register('Dora Discovery')
      const product = w.product()
      await w.system.stop('discovery')
      const placed = await placeFor(user, product, 10_000)
      await allComplete(user, placed)
      await w.system.start('discovery')
      await w.system.waitReady()
    })

    it('the config service: a service starts from its cached configuration, and says so', {
      timeout: 120_000,
    }, async () => {
      const w = world()
      const user = await w.register('Conny Config')
      await w.configure('orders', { processPaymentTimeoutMs: 2_345 })
      await w.system.stop('config')
      await w.system.restart('orders')
      await w.system.waitReady()
      const said = w.system
        .logs('orders-1', 2_000)
        .filter((line) => line.includes('started from the cached configuration'))
      assert.ok(said.length > 0, 'it says so')
      assert.equal((await w.info('orders-1')).settings.processPaymentTimeoutMs, 2_345)
      await allComplete(user, await placeFor(user, w.product(), 1_000))
      await w.system.start('config')
      await w.system.waitReady()
      await w.configure('orders', { processPaymentTimeoutMs: 3_000 })
    })
  })
}

/** What the long outages left: every order completed, nothing waiting. */
export const aftermathOfOutages = (world: () => World): void => {
  describe('after the outages', () => {
    it('no invariant is broken', { timeout: 90_000 }, async () => {
      const w = world()
      let broken: string[] = []
      await until(
        'every invariant to hold',
        async () => {
          broken = check(await collect(w)).map(({ id, found }) => `${id}: ${found}`)
          return broken.length === 0
        },
        { timeoutMs: 60_000, everyMs: 1_000, explain: () => broken.slice(0, 40).join('\n') },
      )
      assert.deepEqual(await deadLetters(w), [])
    })
  })
}
