/** On a real cluster: one of three Kafka nodes dies while orders flow, stays away for a while, and comes back. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import { until } from '@svyaz/observe/until.ts'
import type { World } from './world.ts'

/** A flow, not a flood: while the cluster elects leaders, orders gather, and all of them are to end within the minute. */
const orderEveryMs = 500

/** Kills one node of the cluster of `world` under orders, and brings it back. */
export const kafkaNodeScenario = (world: () => World): void => {
  it('a Kafka node is killed in mid-flow and comes back: orders go on without it', { timeout: 150_000 }, async () => {
    const w = world()
    const kafka = w.engines!.kafka!
    const user = await w.register('Katja Kafka')
    const product = w.product()
    const placed: OrderView[] = []
    const stop = new AbortController()
    const flow = (async () => {
      while (!stop.signal.aborted) {
        placed.push(await user.order({ items: [{ productId: product, quantity: 1 }] }))
        await delay(orderEveryMs)
      }
    })()
    // A refusal is told where the flow is awaited.
    flow.catch(() => {})
    const more = (count: number) => {
      const enough = placed.length + count
      return Promise.race([flow, until(`${enough} orders`, () => placed.length >= enough, { timeoutMs: 30_000 })])
    }
    await more(3)
    await kafka.kill(2)
    const during = placed.length
    await more(5)
    // With two of three in sync every write still has the two that it must have.
    const first = placed[during]
    assert.ok(first)
    await user.untilStatus(first.id, 'completed', 60_000)
    await kafka.start(2)
    await more(3)
    stop.abort()
    await flow
    for (const order of placed) await user.untilStatus(order.id, 'completed', 60_000)
  })
}
