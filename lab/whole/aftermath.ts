/** Over everything that was done before: the invariants of the checker, and what the consumers gave up on. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { until } from '@svyaz/observe/until.ts'
import { openOperator } from '../../platform/kit/src/operator.ts'
import { check } from '../checker/invariants.ts'
import { collect } from './evidence.ts'
import type { World } from './world.ts'

/** Judges everything that the scenarios before it did. */
export const aftermathScenarios = (world: () => World): void => {
  describe('when everything is quiet again', () => {
    it('no invariant is broken: orders, money, stock, mails, frames, events', { timeout: 90_000 }, async () => {
      const w = world()
      for (const feed of w.feeds) if (!feed.isOpen) await feed.open()
      let broken: string[] = []
      const seen = await until(
        'every invariant to hold',
        async () => {
          const snapshot = await collect(w)
          broken = check(snapshot).map(({ id, found }) => `${id}: ${found}`)
          return broken.length === 0 && snapshot
        },
        { timeoutMs: 45_000, everyMs: 1_000, explain: () => broken.slice(0, 40).join('\n') },
      )
      const statuses = new Set(seen.orders.map((order) => order.status))
      assert.deepEqual(statuses, new Set(['completed', 'rejected', 'cancelled']), 'all ends were reached')
      assert.ok(seen.orders.length >= 80, `${seen.orders.length} orders`)
      assert.ok(seen.ledger.some((entry) => entry.type === 'refund') && seen.restocks.length > 0)
    })

    it('the only dead letter that is outstanding is the answer about an order that never was', async () => {
      const w = world()
      const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
      await using operator = openOperator({ bootstrap: w.broker.split(','), name: 'whole-system-test', log: silent })
      const letters = []
      const told = []
      for (const topic of (await w.topics.names()).filter((name) => name.endsWith('.dlq'))) {
        for (const { type, state, consumer, error } of await operator.deadLetters.list(
          topic.slice(0, -'.dlq'.length),
        )) {
          if (state === 'settled') continue
          letters.push({ topic, type, state })
          told.push(`${topic} ${type}: ${consumer} said ${error}`)
        }
      }
      const expected = [{ topic: 'payments.events.dlq', type: 'payment.failed', state: 'outstanding' }]
      if (letters.length !== 1) assert.fail(`${letters.length} letters:\n${told.join('\n')}`)
      assert.deepEqual(letters, expected)
    })

    it('no instance died by itself, and each that was stopped ended with status 0', () => {
      assert.deepEqual(world().deaths, [])
      for (const { name, kind, status, lastExit } of world().system.instances()) {
        assert.equal(status, 'ready', name)
        // PostgreSQL may be too slow to end on a busy machine, and is killed then; that loses nothing.
        if (lastExit && kind !== 'engine') assert.deepEqual(lastExit, { code: 0, signal: null }, name)
      }
    })
  })
}
