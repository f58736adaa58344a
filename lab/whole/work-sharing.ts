/** Point-to-point: the tasks of one queue are shared by its workers, each is done once, and a worker's death changes neither. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import type { Person } from '@svyaz/observe/person.ts'
import { until } from '@svyaz/observe/until.ts'
import type { World } from './world.ts'

const placedAtOnce = 20

async function place(user: Person, productId: string, count: number): Promise<OrderView[]> {
  const placed: OrderView[] = []
  while (placed.length < count) {
    const some = Array.from({ length: Math.min(placedAtOnce, count - placed.length) }, () =>
      user.order({ items: [{ productId, quantity: 1 }] }),
    )
    placed.push(...(await Promise.all(some)))
  }
  return placed
}

/** Who charged how many of these orders. */
async function chargedBy(w: World, orders: readonly OrderView[]): Promise<Map<string, number>> {
  const rows = await w.databases.rows<{ worker: string; count: string }>(
    'payments',
    `SELECT worker, count(*) FROM payments WHERE order_id = ANY ($1) AND status = 'charged' GROUP BY worker`,
    [orders.map((order) => order.id)],
  )
  return new Map(rows.map((row) => [row.worker, Number(row.count)]))
}

const sum = (counts: Iterable<number>): number => [...counts].reduce((total, count) => total + count, 0)

async function assertChargedOnce(w: World, orders: readonly OrderView[]): Promise<void> {
  const charges = (await w.ledger()).filter((fact) => fact.type === 'charge')
  const perKey = Map.groupBy(charges, (fact) => fact.key)
  for (const { id } of orders) assert.equal(perKey.get(`charge:${id}`)?.length, 1, `charges of order ${id}`)
}

/** Shares the tasks of a queue among workers that come, go and die. */
export const workSharingScenarios = (world: () => World): void => {
  describe('a queue of tasks', () => {
    it('200 tasks are shared by three workers; one killed for good leaves its share to the others; a fourth gets work', {
      timeout: 240_000,
    }, async () => {
      const w = world()
      const user = await w.register('Petra Point')
      const product = w.product()
      await w.admin.ask('POST', `/products/${product}/restock`, { body: { quantity: 400 } })
      await until('enough of the product', async () => (await w.stock(product)).available >= 300)
      await w.system.scale('payments', 3)
      await w.system.waitReady()

      const first = await place(user, product, 100)
      const workers = await until('all three workers to have charged some', async () => {
        const counts = await chargedBy(w, first)
        return counts.size === 3 && counts
      })
      assert.deepEqual([...workers.keys()].sort(), ['payments-1', 'payments-2', 'payments-3'])

      const placing = place(user, product, 100)
      await w.system.kill('payments-3')
      await w.system.stop('payments-3')
      const all = [...first, ...(await placing)]
      await until('all 200 tasks to be done', async () => sum((await chargedBy(w, all)).values()) === all.length, {
        timeoutMs: 120_000,
        everyMs: 500,
      })
      await assertChargedOnce(w, all)

      await w.system.start('payments-3')
      await w.system.scale('payments', 4)
      await w.system.waitReady()
      const more: OrderView[] = []
      await until(
        'the fourth worker to get work',
        async () => {
          more.push(...(await place(user, product, 10)))
          return (await chargedBy(w, more)).has('payments-4')
        },
        { timeoutMs: 60_000, everyMs: 1_000 },
      )
      await w.system.scale('payments', 2)
      for (const order of [...all, ...more]) await user.untilStatus(order.id, 'completed', 120_000)
      await assertChargedOnce(w, [...all, ...more])
    })
  })
}
