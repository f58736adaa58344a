/** What an operator sees and does on a real RabbitMQ: waiting records, members, dead letters, replays. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startTestRabbit, type TestRabbit, withoutRabbit } from '../../../system/test/engines/rabbitmq.ts'
import { toDeadLetter } from '../src/messaging/dead-letter.ts'
import { createRabbitTransport } from '../src/messaging/rabbitmq/transport.ts'
import type { IncomingRecord, TransportTopic } from '../src/messaging/transport.ts'
import { openRabbitOperator } from '../src/operator.ts'
import { testCore, until } from './core-fixture.ts'

const topic: TransportTopic = { name: 'ops.events', partitions: 2, groups: ['first', 'second'] }
const topics = [topic, { name: 'ops.events.dlq', partitions: 2 }]
const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

const letterOf = (id: string, failedAt: string) => ({
  topic: topic.name,
  key: id,
  value: Buffer.from('{"n":1}'),
  headers: { ce_id: id, ce_type: 'counted' },
  failure: { consumer: 'first', error: 'it does not like it', attempts: 5, at: failedAt },
})

describe('an operator on RabbitMQ', { skip: withoutRabbit(), timeout: 180_000 }, () => {
  let rabbit: TestRabbit
  const opened = new AsyncDisposableStack()
  const open = (instance: string) => {
    const core = testCore({ instance })
    Object.assign(core, { environment: { ...core.environment, rabbitmqUrl: rabbit.url } })
    const transport = createRabbitTransport(core, topics)
    opened.defer(() => transport.close())
    return transport
  }
  const operate = () => openRabbitOperator({ url: rabbit.url, name: 'operator-test', log: silent, topics })

  before(
    async () => {
      rabbit = opened.use(await startTestRabbit())
      await open('maker').ensureTopics(topics, AbortSignal.timeout(60_000))
    },
    { timeout: 150_000 },
  )
  after(() => opened.disposeAsync())

  it('counts what waits for each group, and who consumes', async () => {
    const sender = open('sender')
    await sender.send(
      [1, 2, 3].map((n) => ({ topic: topic.name, key: `k${n}`, value: Buffer.from('{}'), headers: {} })),
    )
    await using operator = operate()
    const look = async () => (await operator.inspect.topics([topic.name]))[0]!
    const idle = await look()
    assert.equal(idle.kept, false)
    assert.deepEqual(
      idle.groups.map(({ group, lag, memberCount }) => [group, lag, memberCount]),
      [
        ['first', 3n, 0],
        ['second', 3n, 0],
      ],
    )
    const got: IncomingRecord[] = []
    const together = async (records: readonly IncomingRecord[]) => void got.push(...records)
    const reading = open('reader').consume({
      group: 'first',
      topics: [topic.name],
      handle: { recordsMax: 8, together },
    })
    await until('all are handled', () => got.length === 3, 30_000)
    const [first, second] = (await look()).groups
    assert.deepEqual([first?.lag, first?.memberCount, second?.lag], [0n, 1, 3n])
    await reading.stop(5_000)
  })

  it('follows what is sent from now on, and takes it from nobody', async () => {
    await using operator = operate()
    const over = new AbortController()
    const seen: string[] = []
    const following = (async () => {
      for await (const { record } of operator.reader.follow(topic.name, new Map(), over.signal)) seen.push(record.key)
    })()
    const sender = open('sender')
    await until(
      'it follows',
      async () => {
        await sender.send([{ topic: topic.name, key: 'followed', value: Buffer.from('{}'), headers: {} }])
        return seen.includes('followed')
      },
      30_000,
    )
    over.abort()
    await following
    assert.ok(((await operator.inspect.topics([topic.name]))[0]?.groups[1]?.lag ?? 0n) > 3n)
  })

  it('lists dead letters, sends them back to their consumer, and sees which fail again', async () => {
    const sender = open('sender')
    const now = new Date().toISOString()
    for (const { failure, ...record } of [letterOf('a', now), letterOf('b', now)])
      await sender.send([toDeadLetter({ ...record, place: undefined }, failure)])
    await using operator = operate()
    const { deadLetters } = operator
    assert.deepEqual(
      (await deadLetters.list(topic.name)).map(({ id, state, consumer }) => [id, state, consumer]),
      [
        ['a', 'outstanding', 'first'],
        ['b', 'outstanding', 'first'],
      ],
    )
    const plan = await deadLetters.plan({ topic: topic.name })
    assert.deepEqual([plan.replayed.length, plan.refused.length], [2, 0])

    const got: string[] = []
    const together = async (records: readonly IncomingRecord[]) => {
      for (const { headers } of records) {
        if (headers.ce_id === undefined) continue
        got.push(`${headers.ce_id} to ${headers.svyaz_consumer}`)
        const { failure, ...record } = letterOf('b', new Date().toISOString())
        if (headers.ce_id === 'b') await sender.send([toDeadLetter({ ...record, place: undefined }, failure)])
      }
    }
    const reading = open('reader').consume({
      group: 'first',
      topics: [topic.name],
      handle: { recordsMax: 8, together },
    })
    opened.defer(() => reading.stop(100))
    const sent = await deadLetters.replay(plan.replayed)
    await until('both came back', () => got.length === 2, 30_000)
    const outcomes = await deadLetters.outcomes(sent, AbortSignal.timeout(500))
    await reading.stop(5_000)

    assert.deepEqual(got.sort(), ['a to first', 'b to first'])
    assert.deepEqual(
      outcomes.map(({ letter, outcome }) => [letter.id, outcome]),
      [
        ['a', 'waiting'],
        ['b', 'failed again'],
      ],
    )
    assert.deepEqual((await deadLetters.list(topic.name)).map(({ id, state }) => [id, state]).sort(), [
      ['a', 'sent back'],
      ['b', 'outstanding'],
    ])
  })
})
