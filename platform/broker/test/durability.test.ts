/** What was acknowledged is there after kill -9, exactly once for an idempotent producer; groups go on. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Admin, Consumer, ProduceAcks, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { BrokerProcess, ownBrokerOnly, unique, until } from './cluster.ts'

async function readAll(bootstrap: string, topic: string, expected: number): Promise<string[]> {
  const values: string[] = []
  const consumer = new Consumer({
    clientId: 'reader',
    groupId: unique('reader'),
    bootstrapBrokers: [bootstrap],
    deserializers: stringDeserializers,
  })
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest', maxWaitTime: 200 })
  stream.on('data', ({ value }) => values.push(value))
  await until(`${expected} records`, () => values.length >= expected)
  await stream.close()
  await consumer.close(true)
  return values
}

describe('kill -9', { skip: ownBrokerOnly, timeout: 120_000 }, () => {
  it('loses nothing that was acknowledged and repeats nothing', async () => {
    await using broker = await BrokerProcess.start()
    const topic = unique('topic')
    const admin = new Admin({ clientId: 'a', bootstrapBrokers: [broker.bootstrap] })
    await admin.createTopics({ topics: [topic], partitions: 3, replicas: 1 })
    await admin.close()
    const acknowledged: string[] = []
    let next = 0
    for (let round = 0; round < 5; round++) {
      const producer = new Producer({
        clientId: 'p',
        bootstrapBrokers: [broker.bootstrap],
        idempotent: true,
        acks: ProduceAcks.ALL,
        retries: 0,
        serializers: stringSerializers,
      })
      const goal = acknowledged.length + 100
      const dead = Promise.withResolvers<'dead'>()
      const writers = Array.from({ length: 8 }, async () => {
        for (;;) {
          const value = `value-${next++}`
          const sent = producer.send({ messages: [{ topic, key: value, value }] }).then(
            () => 'acknowledged' as const,
            () => 'refused' as const,
          )
          // What is in flight when the broker dies is neither awaited nor counted: it may be there or not.
          const outcome = await Promise.race([dead.promise, sent])
          if (outcome === 'dead') return
          if (outcome === 'acknowledged') acknowledged.push(value)
        }
      })
      await until('acknowledgements', () => acknowledged.length >= goal)
      await broker.kill()
      dead.resolve('dead')
      await Promise.all(writers)
      producer.close(true).catch(() => {})
      await broker.run()
    }
    const values = await readAll(broker.bootstrap, topic, acknowledged.length)
    const there = new Set(values)
    assert.deepEqual(
      acknowledged.filter((value) => !there.has(value)),
      [],
    )
    assert.equal(there.size, values.length, 'no record is there twice')
  })

  it('keeps topics, ids, settings, committed offsets with their metadata, and the cluster id', async () => {
    await using broker = await BrokerProcess.start()
    const topic = unique('topic')
    const group = unique('group')
    const describeAll = async () => {
      const admin = new Admin({ clientId: 'a', bootstrapBrokers: [broker.bootstrap] })
      const metadata = await admin.metadata({ topics: [topic], forceUpdate: true })
      const [configs] = await admin.describeConfigs({ resources: [{ resourceType: 2, resourceName: topic }] })
      const offsets = await admin.listConsumerGroupOffsets({ groups: [group] })
      await admin.close()
      return { metadata: metadata.topics.get(topic), cluster: metadata.id, configs: configs?.configs, offsets }
    }
    const admin = new Admin({ clientId: 'a', bootstrapBrokers: [broker.bootstrap] })
    await admin.createTopics({
      topics: [topic],
      partitions: 2,
      replicas: 1,
      configs: [{ name: 'retention.ms', value: '7200000' }],
    })
    await admin.alterConsumerGroupOffsets({
      groupId: group,
      topics: [{ name: topic, partitionOffsets: [{ partition: 1, offset: 42n }] }],
    })
    await admin.close()
    const before = await describeAll()
    await broker.kill()
    await broker.run()
    const afterwards = await describeAll()
    delete (before.metadata as { lastUpdate?: number }).lastUpdate
    delete (afterwards.metadata as { lastUpdate?: number }).lastUpdate
    assert.deepEqual(afterwards, before)
    assert.match(
      JSON.stringify(afterwards.offsets, (_, v) => (typeof v === 'bigint' ? Number(v) : v)),
      /42/,
    )
  })

  it('lets a static member go on in its generation', async () => {
    await using broker = await BrokerProcess.start()
    const topic = unique('topic')
    const producer = new Producer({
      clientId: 'p',
      bootstrapBrokers: [broker.bootstrap],
      autocreateTopics: true,
      serializers: stringSerializers,
    })
    await producer.send({ messages: [{ topic, value: 'before' }] })
    const consumer = new Consumer({
      clientId: 'c',
      groupId: unique('group'),
      groupInstanceId: 'one',
      bootstrapBrokers: [broker.bootstrap],
      deserializers: stringDeserializers,
      sessionTimeout: 6_000,
      heartbeatInterval: 500,
      rebalanceTimeout: 10_000,
      retries: 50,
      retryDelay: 100,
    })
    const values: string[] = []
    const stream = await consumer.consume({
      topics: [topic],
      mode: 'committed',
      fallbackMode: 'earliest',
      autocommit: false,
      maxWaitTime: 200,
    })
    stream.on('data', ({ value }) => values.push(value))
    stream.on('error', () => {})
    await until('the first record', () => values.length === 1)
    await producer.close()
    await broker.kill()
    await broker.run()
    const another = new Producer({
      clientId: 'p2',
      bootstrapBrokers: [broker.bootstrap],
      serializers: stringSerializers,
    })
    await another.send({ messages: [{ topic, value: 'after' }] })
    await another.close()
    await until('the second record', () => values.includes('after'))
    await stream.close()
    await consumer.close(true)
  })

  it('ends in good order on SIGTERM', async () => {
    await using broker = await BrokerProcess.start()
    assert.equal(await broker.stop(), 0)
    assert.equal(broker.lines.at(-1)?.msg, 'stopped')
  })
})
