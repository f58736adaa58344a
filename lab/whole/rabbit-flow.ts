/**
 * Both ways of messages on RabbitMQ (R1.9), by the spans of the services and from outside: an event goes to each of its
 * subscribers, a task to one worker; and the server is killed with -9 under orders, stays away, and comes back.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { topics } from '@svyaz/contracts'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import { groupsOf } from '@svyaz/contracts/vocabulary.ts'
import { entriesOf } from '@svyaz/observe/ledger.ts'
import type { Person } from '@svyaz/observe/person.ts'
import type { TopicRecord } from '@svyaz/observe/topics.ts'
import type { JoinedTrace, Span } from '@svyaz/observe/traces.ts'
import { until } from '@svyaz/observe/until.ts'
import type { World } from './world.ts'

/** Enough that each worker has some, few enough for a minute on a busy machine. */
const sharedOrders = 12
const orderEveryMs = 250
/** Accepted while the server is away. */
const meanwhile = 8

/** Groups that should have a topic's events. */
const readersOf = (name: string): string[] => {
  const topic = topics.find((one) => one.name === name)
  return topic === undefined ? [] : [...groupsOf(topic)].sort()
}

/** By whom an event was handled, a name for each time, as spans say. */
export const handledBy = (spans: readonly Span[], eventId: string): string[] =>
  spans
    .filter(
      ({ kind, attributes }) =>
        kind === 'consumer' &&
        attributes['messaging.system'] === 'rabbitmq' &&
        attributes['messaging.message.id'] === eventId,
    )
    .map(({ attributes }) => String(attributes['messaging.consumer.group.name']))
    .sort()

/** What is wrong with the events of an order as they were seen in its topic: pure. */
export function faultsInEvents(id: string, records: readonly TopicRecord[]): string[] {
  // The same event may be sent twice when its confirmation was lost with the server; its id tells.
  const own = new Map(records.filter(({ key }) => key === id).map((record) => [record.id, record]))
  const versions = [...own.values()].map(({ data }) => Number(data.version)).sort((a, b) => a - b)
  const last = [...own.values()].find(({ data }) => data.version === versions.at(-1))
  return [
    ...versions
      .filter((version, at) => version !== at + 1)
      .map((version) => `${id}: version ${version} is out of line`),
    ...(last?.type === 'order.completed' ? [] : [`${id}: its last event is ${last?.type}`]),
  ]
}

const joined = (w: World, traceId: string) => w.telemetry<JoinedTrace>(`/traces/${traceId}/joined`)

const traceOf = async (user: Person, id: string): Promise<string> => {
  const [step] = (await user.story(id)).steps
  assert.ok(step?.traceId)
  return step.traceId
}

/** The event of that type about an order, in what the observer has seen. */
const eventOf = (records: readonly TopicRecord[], id: string, type: string): string =>
  records.find((record) => record.key === id && record.type === type)?.id ?? ''

/** Orders through RabbitMQ: fan-out, work queue, and a kill −9. Needs a world with its own RabbitMQ. */
export const rabbitFlowScenarios = (world: () => World): void => {
  describe('an order on RabbitMQ', () => {
    it('publish/subscribe: order.created reaches each subscriber, each once', { timeout: 90_000 }, async () => {
      const w = world()
      const user = await w.register('Fanny Fan-out')
      const placed = await user.order({ items: [{ productId: w.product(), quantity: 1 }] })
      await user.untilStatus(placed.id, 'completed')
      const created = eventOf(await w.events.read('orders.events'), placed.id, 'order.created')
      const wanted = readersOf('orders.events')
      assert.ok(wanted.length >= 4 && created !== '')
      const traceId = await traceOf(user, placed.id)
      let seen: string[] = []
      await until(
        'every subscriber to have handled it',
        async () => {
          seen = handledBy((await joined(w, traceId)).spans, created)
          return wanted.every((group) => seen.includes(group))
        },
        { explain: () => seen.join() },
      )
      assert.deepEqual(seen, wanted)
    })

    it('work queue: each task goes to one worker, and both work', { timeout: 120_000 }, async () => {
      const w = world()
      const users = await Promise.all(['Quinn One', 'Quinn Two'].map((name) => w.register(name)))
      const product = w.product()
      const placed: { user: Person; id: string }[] = []
      for (let n = 0; n < sharedOrders; n++) {
        const user = users[n % users.length]!
        placed.push({ user, id: (await user.order({ items: [{ productId: product, quantity: 1 }] })).id })
      }
      for (const { user, id } of placed) await user.untilStatus(id, 'completed', 60_000)
      const tasks = await w.events.read('payments.tasks')
      const workers = new Set<string | undefined>()
      for (const { user, id } of placed) {
        const task = eventOf(tasks, id, 'payment.charge')
        const traceId = await traceOf(user, id)
        const handled = await until(`the task of ${id} to be in its trace`, async () => {
          const found = handledBy((await joined(w, traceId)).spans, task)
          return found.length > 0 && found
        })
        assert.deepEqual(handled, ['payment-workers'])
        workers.add((await user.payment(id))?.worker)
      }
      assert.deepEqual(workers, new Set(['payments-1', 'payments-2']))
    })

    it('kill −9 of the server under orders: all that were accepted end, charged once', {
      timeout: 180_000,
    }, async () => {
      const w = world()
      const { rabbit } = w.engines!
      assert.ok(rabbit)
      const user = await w.register('Karl Kill')
      const product = w.product()
      await w.admin.ask('POST', `/products/${product}/restock`, { body: { quantity: 500 } })
      const placed: OrderView[] = []
      const over = new AbortController()
      const flow = (async () => {
        while (!over.signal.aborted) {
          const answer = await user.tryOrder({ items: [{ productId: product, quantity: 1 }] }, randomUUID())
          if (answer.status === 201) placed.push(answer.body as OrderView)
          else
            assert.ok(answer.status === 429 || answer.status >= 500, `${answer.status} ${JSON.stringify(answer.body)}`)
          await delay(orderEveryMs)
        }
      })()
      flow.catch(() => {})
      const more = (count: number) => {
        const enough = placed.length + count
        return Promise.race([flow, until(`${enough} orders`, () => placed.length >= enough, { timeoutMs: 60_000 })])
      }
      await more(4)
      await rabbit.kill()
      const before = placed.length
      await more(meanwhile)
      const during = placed.slice(before)
      await rabbit.start()
      await more(4)
      over.abort()
      await flow
      assert.ok(during.length >= meanwhile, 'orders were accepted while the server was away')
      for (const { id } of placed) await user.untilStatus(id, 'completed', 90_000)
      const events = await w.events.read('orders.events')
      assert.deepEqual(
        placed.flatMap(({ id }) => faultsInEvents(id, events)),
        [],
      )
      const ledger = await w.ledger()
      for (const { id, total } of placed) assert.deepEqual(entriesOf(ledger, id), [total.amountMinor], id)
    })
  })
}
