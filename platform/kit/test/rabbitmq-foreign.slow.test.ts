/** What another program may put into the queues of a RabbitMQ. Skipped where it isn't installed. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { connect } from 'amqplib'
import { startTestRabbit, withoutRabbit } from '../../../system/test/engines/rabbitmq.ts'
import { encodeEvent } from '../src/messaging/cloud-events.ts'
import { createConsumerSlots, createRecordHandler } from '../src/messaging/consumer.ts'
import { createRabbitTransport } from '../src/messaging/rabbitmq/transport.ts'
import { testCore, until } from './core-fixture.ts'
import { counted, countedTopic } from './counted-topic.ts'

const at = '2026-01-01T00:00:00.000Z'
const topic = countedTopic('foreign.records')
const partition = '2'
const foreign: readonly [what: string, headers: Record<string, unknown>][] = [
  ['none', {}],
  ['a table for a key', { svyaz_key: { toString: 'x', valueOf: 'x' } }],
  ['half an offset', { 'x-stream-offset': 0.5 }],
  ['as much as the client can write, so that a letter has no room beside', { one: 'x'.repeat(65_300) }],
  ['every type', { n: -1, yes: true, list: [1, 'a', [null]], table: { a: { b: 1 } }, bytes: Buffer.from([0, 255]) }],
  ['names of a prototype', JSON.parse('{"__proto__": {"a": 1}, "constructor": "c", "toString": 1}')],
]

describe('a RabbitMQ that others write to', { skip: withoutRabbit(), timeout: 240_000 }, () => {
  test('each of their messages becomes a dead letter, and what follows it is handled', async () => {
    await using rabbit = await startTestRabbit()
    const core = testCore({ service: 'payments', messages: 'rabbitmq', rabbitmqUrl: rabbit.url })
    const dead = { name: `${topic.name}.dlq`, partitions: topic.partitions }
    const topics = [{ name: topic.name, partitions: topic.partitions, groups: ['payments'] }, dead]
    const transport = createRabbitTransport(core, topics)
    await transport.ensureTopics(topics, AbortSignal.timeout(60_000))
    const handled: number[] = []
    const subscription = counted(topic, 'payments', async ({ data }) => void handled.push(data.n), { dedupe: 'none' })
    const handle = createRecordHandler(core, {
      group: 'payments',
      subscriptions: [subscription],
      transport,
      database: undefined,
      slots: createConsumerSlots(1),
    })
    const consumption = transport.consume({ group: 'payments', topics: [topic.name], handle })

    const model = await connect(rabbit.url)
    const channel = await model.createConfirmChannel()
    for (const [n, [, headers]] of foreign.entries()) {
      channel.publish('svyaz', `${topic.name}.${partition}`, Buffer.from('junk'), { headers })
      const event = { id: `e${n}`, topic: topic.name, type: 'counted', key: 'k', subject: 'k', data: { n }, time: at }
      const { value, headers: own } = encodeEvent({ ...event, traceparent: undefined }, '/orders', undefined)
      channel.publish('svyaz', `${topic.name}.${partition}`, value, { headers: own })
    }
    await channel.waitForConfirms()
    await until('all events are handled', () => handled.length === foreign.length, 60_000)
    assert.deepEqual(handled, [...foreign.keys()])
    assert.equal(core.counted('svyaz_messages_dead_total'), foreign.length)
    assert.ok(!core.logs.some(({ message }) => message === 'the consumer is rebuilt'))
    await model.close()
    await consumption.stop(5_000)
    await transport.close()
  })
})
