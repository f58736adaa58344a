import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  Consumer,
  compatibilityPartitioner,
  FetchIsolationLevels,
  MultipleErrors,
  NetworkError,
  ProduceAcks,
  Producer,
  ProtocolError,
} from '@platformatic/kafka'
import { testCore } from '../../../test/core-fixture.ts'
import { topicConfigs } from '../topics.ts'
import { placesOf, splitByPartition } from './producer.ts'
import {
  clientSettings,
  consumerSettings,
  fetchSettings,
  groupTimings,
  producerSettings,
  startPosition,
} from './settings.ts'

const core = testCore({ instance: 'payments-1', kafkaBrokers: ['127.0.0.1:9092'] })

describe('the settings of the Kafka client (reliability rule 16)', () => {
  test('the consumer', () => {
    const settings = consumerSettings(core, 'payments')
    assert.equal(settings.autocommit, false)
    assert.equal(settings.groupInstanceId, 'payments-1')
    assert.equal(settings.sessionTimeout, 6_000)
    assert.equal(settings.heartbeatInterval, 2_000)
    assert.equal(settings.rebalanceTimeout, 10_000)
    assert.equal(settings.isolationLevel, FetchIsolationLevels.READ_COMMITTED)
  })

  test('the consumer of a group of its own, which nobody waits for, speaks seldom', () => {
    const settings = consumerSettings(core, 'payments-1.broadcast', true)
    assert.equal(settings.heartbeatInterval, 14_000)
    assert.ok(settings.sessionTimeout > 3 * settings.heartbeatInterval)
    assert.ok(settings.heartbeatStallTimeout > 3 * settings.heartbeatInterval)
    assert.ok(settings.heartbeatStallTimeout < settings.sessionTimeout)
  })

  test('the client takes both', async () => {
    for (const alone of [false, true]) await new Consumer(consumerSettings(core, 'payments', alone)).close(true)
  })

  test('starts at the committed position, else at the beginning', () => {
    assert.equal(startPosition(-1n, 0n), 0n)
    assert.equal(startPosition(undefined, 0n), 0n)
    assert.equal(startPosition(5n, 0n), 5n)
    assert.equal(startPosition(5n, 9n), 9n)
  })

  test('the producer', () => {
    const settings = producerSettings(core)
    assert.equal(settings.acks, ProduceAcks.ALL)
    assert.equal(settings.idempotent, true)
    assert.equal(settings.partitioner, compatibilityPartitioner)
    assert.equal(settings.autocreateTopics, false)
  })

  test('times fit into each other', () => {
    const { sessionTimeout, rebalanceTimeout, requestTimeout, heartbeatStallTimeout } = consumerSettings(
      core,
      'payments',
    )
    assert.ok(groupTimings.drainMs + 1_000 < sessionTimeout, 'a member that drains must not be thrown out')
    assert.ok(requestTimeout > rebalanceTimeout, 'a join may take as long as the slowest member')
    assert.ok(requestTimeout > fetchSettings.maxWaitMs * 2)
    assert.ok(groupTimings.stallMs > requestTimeout)
    const brokerSessionMs = 9_000
    assert.ok(heartbeatStallTimeout > brokerSessionMs + 3_000, 'a cluster gets the time to replace a dead coordinator')
    assert.ok(groupTimings.stallMs > heartbeatStallTimeout)
  })

  test('every client knows all the brokers that were named', () => {
    const two = testCore({ kafkaBrokers: ['127.0.0.1:9092', '127.0.0.1:9192'] })
    assert.deepEqual(clientSettings(two).bootstrapBrokers, ['127.0.0.1:9092', '127.0.0.1:9192'])
  })

  test('between tries, leaders are forgotten when the broker says that they are others', () => {
    const forgets = (error: Error) => {
      let times = 0
      const { retryDelay } = clientSettings(core)
      retryDelay({ clearMetadata: () => times++ }, 'produce', 1, 100, error)
      return times === 1
    }
    assert.ok(forgets(new ProtocolError('NOT_LEADER_OR_FOLLOWER')))
    assert.ok(forgets(new ProtocolError('LEADER_NOT_AVAILABLE')))
    assert.ok(forgets(new MultipleErrors('all of it', [new ProtocolError('FENCED_LEADER_EPOCH')])))
    assert.ok(!forgets(new ProtocolError('NOT_ENOUGH_REPLICAS')))
    assert.ok(!forgets(new NetworkError('closed')), 'the client asks again by itself then')
    assert.ok(!forgets(new Error('anything')))
  })

  test('tries follow each other in at most a second', () => {
    const { retryDelay } = clientSettings({ ...core, random: () => 1 })
    const delays = [1, 2, 3, 5, 6, 100].map((attempt) => retryDelay({}, 'fetch', attempt, 100, new Error('any')))
    assert.deepEqual(delays, [50, 100, 200, 800, 1_000, 1_000])
  })

  test('topics are kept six days; a dead letter may be larger than the largest record', () => {
    const sixDays = { name: 'retention.ms', value: '518400000' }
    assert.deepEqual(topicConfigs('orders.events'), [sixDays])
    assert.deepEqual(topicConfigs('orders.events.dlq'), [sixDays, { name: 'max.message.bytes', value: '1114124' }])
  })

  test('keys are Buffers, spread as Java spreads them', () => {
    const producer = new Producer({ ...producerSettings(core) })
    // murmur2 of Apache Kafka's UtilsTest: "21" → -973932308, "foobar" → -790332482, "a-little-bit-long-string" → -985981536.
    const javaHashes: [string, number][] = [
      ['21', -973_932_308],
      ['foobar', -790_332_482],
      ['a-little-bit-long-string', -985_981_536],
    ]
    for (const [key, hash] of javaHashes) {
      const partitions = producer.getSendTopicPartitions({ messages: [{ topic: 't', key: Buffer.from(key) }] as never })
      assert.deepEqual([...(partitions.get('t') ?? [])], [hash & 0x7fff_ffff])
    }
    producer.close()
  })
})

test('the place of each record follows from the first offset of its partition', () => {
  const record = (key: string) => ({ topic: 't', key, value: Buffer.alloc(0), headers: {} })
  const partitionOf = (key: string) => compatibilityPartitioner({} as never, Buffer.from(key)) % 2
  const [a, b] = ['0', '1'].map((wanted) =>
    ['a', 'b', 'c', 'd', 'e', 'f'].find((key) => String(partitionOf(key)) === wanted),
  )
  assert.ok(a && b)
  const bases = [
    { topic: 't', partition: 1, offset: 40n },
    { topic: 't', partition: 0, offset: 7n },
  ]
  assert.deepEqual(
    placesOf([record(a), record(b), record(a)], bases, () => 2),
    [
      { partition: 0, offset: 7n },
      { partition: 1, offset: 40n },
      { partition: 0, offset: 8n },
    ],
  )
  assert.deepEqual(
    placesOf([record(a)], bases, () => undefined),
    [undefined],
  )
})

test('one request for each partition, in the order given, so that each finds its own leader after a failover', () => {
  const record = (topic: string, key: string, text: string) => ({ topic, key, value: Buffer.from(text), headers: {} })
  const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  const records = [1, 2].flatMap((n) => keys.flatMap((key) => [record('t', key, `${n}`), record('u', key, `${n}`)]))
  const partitionsOf = (topic: string) => (topic === 't' ? 3 : 2)
  const requests = splitByPartition(records, partitionsOf)
  assert.equal(requests.length, 5)
  assert.deepEqual(new Set(requests.flat()), new Set(records))
  for (const request of requests) {
    const places = request.map(
      ({ topic, key }) => `${topic}/${compatibilityPartitioner({} as never, Buffer.from(key)) % partitionsOf(topic)}`,
    )
    assert.equal(new Set(places).size, 1)
    assert.deepEqual(
      request,
      records.filter((record) => request.includes(record)),
    )
  }
  assert.deepEqual(splitByPartition([], partitionsOf), [])
})
