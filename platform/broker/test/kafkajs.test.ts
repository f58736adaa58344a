/** kafkajs: an older client with other versions of nearly every API, and one connection for everything. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import kafkajs, { type Admin, type Consumer, type Kafka as KafkaClient, type Producer } from 'kafkajs'
import { type Cluster, startCluster, unique, until } from './cluster.ts'

const { Kafka, logLevel } = kafkajs

let cluster: Cluster
let kafka: KafkaClient
let admin: Admin
let producer: Producer

before(async () => {
  cluster = await startCluster()
  kafka = new Kafka({ clientId: 'kafkajs', brokers: [cluster.bootstrap], logLevel: logLevel.NOTHING })
  admin = kafka.admin()
  producer = kafka.producer({ idempotent: true, createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  await Promise.all([admin.connect(), producer.connect()])
})

after(async () => {
  await producer.disconnect()
  await admin.disconnect()
  await cluster[Symbol.asyncDispose]()
})

async function newTopic(numPartitions = 3): Promise<string> {
  const topic = unique('topic')
  await admin.createTopics({ topics: [{ topic, numPartitions }], waitForLeaders: true })
  return topic
}

interface Seen {
  readonly partition: number
  readonly offset: string
  readonly value: string
}

async function consume(groupId: string, topic: string, seen: Seen[]): Promise<Consumer> {
  const consumer = kafka.consumer({ groupId, sessionTimeout: 6_000, heartbeatInterval: 300, maxWaitTimeInMs: 300 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      seen.push({ partition, offset: message.offset, value: String(message.value) })
    },
  })
  return consumer
}

const messages = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => ({ key: `k${from + index}`, value: `v${from + index}` }))

describe('kafkajs', { timeout: 60_000 }, () => {
  it('produces and consumes', async () => {
    const topic = await newTopic()
    await producer.send({ topic, messages: messages(100) })
    const seen: Seen[] = []
    const consumer = await consume(unique('group'), topic, seen)
    await until('100 records', () => seen.length === 100)
    await consumer.disconnect()
    assert.equal(new Set(seen.map(({ value }) => value)).size, 100)
  })

  it('shares a group among members', async () => {
    const topic = await newTopic(4)
    const group = unique('group')
    const seen: Seen[][] = [[], []]
    const consumers = await Promise.all(seen.map((into) => consume(group, topic, into)))
    await until('both to be members', async () => {
      const { groups } = await admin.describeGroups([group])
      return groups[0]?.state === 'Stable' && groups[0].members.length === 2
    })
    await producer.send({ topic, messages: messages(200) })
    await until('200 records', () => seen.flat().length >= 200)
    assert.ok(seen.every((one) => one.length > 0))
    const [first, second] = seen.map((one) => new Set(one.map(({ partition }) => partition)))
    assert.equal(first?.intersection(second as Set<number>).size, 0)
    await Promise.all(consumers.map((consumer) => consumer.disconnect()))
    await until('the group to be empty', async () => (await admin.describeGroups([group])).groups[0]?.state === 'Empty')
  })

  it('commits, resets and reads back offsets', async () => {
    const topic = await newTopic(2)
    const group = unique('group')
    await producer.send({ topic, messages: messages(20) })
    await admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 1, offset: '3' }] })
    const [fetched] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
    assert.equal(fetched?.partitions.find(({ partition }) => partition === 1)?.offset, '3')
    assert.equal(fetched?.partitions.find(({ partition }) => partition === 0)?.offset, '-1')
  })

  it('finds offsets by timestamp, to the record', async () => {
    const topic = await newTopic(1)
    const start = Date.now() - 100_000
    for (const batch of [0, 1, 2]) {
      await producer.send({
        topic,
        messages: [0, 1, 2].map((index) => {
          const number = batch * 3 + index
          return { value: `v${number}`, timestamp: String(start + number * 1_000) }
        }),
      })
    }
    const at = async (ms: number) => (await admin.fetchTopicOffsetsByTimestamp(topic, ms))[0]?.offset
    assert.equal(await at(start), '0')
    assert.equal(await at(start + 4_000), '4')
    assert.equal(await at(start + 4_001), '5')
    const [ends] = await admin.fetchTopicOffsets(topic)
    assert.equal(ends?.low, '0')
    assert.equal(ends?.high, '9')
  })

  it('administers topics and groups', async () => {
    const topic = await newTopic(1)
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
    const metadata = await admin.fetchTopicMetadata({ topics: [topic] })
    assert.equal(metadata.topics[0]?.partitions.length, 3)
    await assert.rejects(admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] }))
    const group = unique('group')
    await admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 0, offset: '0' }] })
    const listed = await admin.listGroups()
    assert.ok(listed.groups.some(({ groupId }) => groupId === group))
    await admin.deleteGroups([group])
    assert.ok(!(await admin.listGroups()).groups.some(({ groupId }) => groupId === group))
    await admin.deleteTopics({ topics: [topic] })
    await until('the topic to be gone', async () => !(await admin.listTopics()).includes(topic))
    const { brokers, controller } = await admin.describeCluster()
    assert.equal(brokers.length, 1)
    assert.equal(brokers[0]?.nodeId, controller)
  })
})
