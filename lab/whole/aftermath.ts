/** Over everything that was done before: the invariants of the checker, and what the consumers gave up on. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { until } from '@svyaz/observe/until.ts'
import { readDeadLetters, stateOf } from '../../platform/kit/src/messaging/dead-letter.ts'
import { type ListedLetter, openOperator } from '../../platform/kit/src/operator.ts'
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
      const letters = []
      const told = []
      for (const { topic, type, state, consumer, error } of await lettersOf(w)) {
        if (state === 'settled') continue
        letters.push({ topic: `${topic}.dlq`, type, state })
        told.push(`${topic} ${type}: ${consumer} said ${error}`)
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
        // The graph's process is killed by its own scenario.
        if (lastExit && kind !== 'engine' && name !== 'graphql-1')
          assert.deepEqual(lastExit, { code: 0, signal: null }, name)
      }
    })
  })
}

/** The dead letters of every topic, as an operator sees them; without Kafka, as they were sent. */
async function lettersOf(w: World): Promise<readonly ListedLetter[]> {
  const topics = (await w.events.names()).filter((name) => name.endsWith('.dlq'))
  if (w.engines?.events) {
    const lists = await Promise.all(topics.map((topic) => w.events.read(topic)))
    const records = lists.flat().map((record) => ({
      ...record,
      value: Buffer.from(JSON.stringify(record.data)),
      place: { partition: record.partition, offset: BigInt(record.offset) },
    }))
    return readDeadLetters(records).map((letter) => ({ ...letter, state: stateOf(letter, new Map()) }))
  }
  const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
  await using operator = openOperator({ bootstrap: w.broker.split(','), name: 'whole-system-test', log: silent })
  const letters: ListedLetter[] = []
  for (const topic of topics) letters.push(...(await operator.deadLetters.list(topic.slice(0, -'.dlq'.length))))
  return letters
}
