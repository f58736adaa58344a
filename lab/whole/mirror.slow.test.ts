/**
 * A whole cluster of Kafka is gone for good (R4.2): the services move to the one that MirrorMaker 2 has copied it to, as
 * docs/engines.md tells. Orders that were under way go on there, none is lost, nobody is charged twice.
 */
import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { topics } from '@svyaz/contracts'
import { groupsOf } from '@svyaz/contracts/vocabulary.ts'
import { entriesOf, readLedger } from '@svyaz/observe/ledger.ts'
import { Person } from '@svyaz/observe/person.ts'
import { Topics } from '@svyaz/observe/topics.ts'
import { until } from '@svyaz/observe/until.ts'
import { embeddedExcept } from '../../system/src/engines/addresses.ts'
import { removeHome, type System, startSystem } from '../../system/src/testing.ts'
import { startTestKafka, withoutKafka } from '../../system/test/engines/kafka.ts'
import { startMirrorMaker, withoutMirrorMaker } from '../../system/test/engines/mirror-maker.ts'
import { lacking, notOnce } from './copies.ts'

const services = ['gateway', 'users', 'orders', 'inventory', 'payments', 'delivery', 'notifications']
const ordersEach = 4
const patience = { timeoutMs: 120_000, everyMs: 500 }

/** One Kafka of others, of one node; all else is ours. */
const on = (kafka: readonly string[]) => embeddedExcept({ kafka, replicationFactor: 1, minInsyncReplicas: 1 })

/** All that an order without a change or a failure goes through. */
const steps = ['created', 'processing', 'paid', 'shipped', 'completed'].map((step) => `order.${step}`)

/** What `to` lacks of each partition of `from`, in words: nothing of ours is compacted or transactional. */
async function notCopied(from: Topics, to: Topics): Promise<string[]> {
  const theirs = new Set(await to.names())
  const names = topics.map(({ name }) => name)
  return lacking(await from.ends(names), await to.ends(names.filter((name) => theirs.has(name))))
}

/** Groups that have read something of a topic in `from`, and that would begin at its start in `to`. */
async function notMoved(from: Topics, to: Topics): Promise<string[]> {
  const looks = topics.flatMap((topic) =>
    groupsOf(topic).map(async (group) => {
      if ((await from.progress(group, topic.name)).committed === 0) return []
      return (await to.progress(group, topic.name)).committed > 0 ? [] : [`${group} of ${topic.name}`]
    }),
  )
  return (await Promise.all(looks)).flat()
}

const order = async (user: Person) => (await user.order({ items: [{ productId: 'P-1001', quantity: 1 }] })).id
const several = async (user: Person) => {
  const ids: string[] = []
  for (let n = 0; n < ordersEach; n++) ids.push(await order(user))
  return ids
}

describe('a cluster that is gone', { skip: withoutKafka() || withoutMirrorMaker(), timeout: 12 * 60_000 }, () => {
  it('the services go on with the copy that MirrorMaker 2 made', { timeout: 11 * 60_000 }, async (t) => {
    await using closing = new AsyncDisposableStack()
    const home = mkdtempSync(join(tmpdir(), 'svyaz-mirror-'))
    closing.defer(() => removeHome(home))
    const main = closing.use(await startTestKafka(1))
    const standby = closing.use(await startTestKafka(1))
    const start = (brokers: readonly string[]): Promise<System> =>
      startSystem({ home, only: services, engines: on(brokers), readyTimeoutMs: 180_000 })
    const [here, there] = [new Topics(main.brokers, 'mirror-here'), new Topics(standby.brokers, 'mirror-there')]

    const running = closing.use(new AsyncDisposableStack())
    const before = running.use(await start(main.brokers))
    const mirror = closing.use(await startMirrorMaker(main.brokers, standby.brokers))
    const user = await Person.register(before.url('gateway'), 'Mira Moved')
    const done = await several(user)
    for (const id of done) await user.untilStatus(id, 'completed', 90_000)
    // What these want of it waits in its topics, and is read over there.
    await before.stop('delivery')
    const waiting = await several(user)
    for (const id of waiting) await user.untilStatus(id, 'paid', 90_000)

    await running.disposeAsync()
    await until('everything to be copied', async () => (await notCopied(here, there)).length === 0, {
      ...patience,
      explain: async () => (await notCopied(here, there)).join('; '),
    })
    await until('the groups to be known over there', async () => (await notMoved(here, there)).length === 0, {
      ...patience,
      explain: async () => (await notMoved(here, there)).join('; '),
    })
    await main.kill(1)
    await mirror[Symbol.asyncDispose]()

    const after = closing.use(await start(standby.brokers))
    const again = await Person.signIn(after.url('gateway'), user)
    const later = await order(again)
    const all = [...done, ...waiting, later]
    for (const id of all) await again.untilStatus(id, 'completed', 90_000)
    const ledger = await readLedger(after.url('payment-processor'))
    for (const id of all) assert.equal(entriesOf(ledger, id).length, 1, `charges of ${id}`)
    assert.deepEqual(notOnce(await there.read('orders.events'), all, steps), [])
    t.diagnostic(`${done.length} orders were completed before, ${waiting.length} were under way, 1 came later`)
  })
})
