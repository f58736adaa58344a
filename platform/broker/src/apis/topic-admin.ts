/**
 * CreateTopics, DeleteTopics, CreatePartitions (keys 19, 20, 37).
 *
 * Promises that what was made or deleted is durable when it is answered. A topic's id is random and never used again;
 * its committed offsets are deleted with it.
 * Versions: CreateTopics 5 answers partitions and settings, 7 the topic id; DeleteTopics 6 deletes by name or id.
 * Absent: replication (the factor is 1 or the default), manual assignments other than to this node, timeouts.
 */
import type { Broker, Caller } from '../broker.ts'
import { errorCode } from '../protocol/error-codes.ts'
import * as messages from '../protocol/messages/topic-admin.ts'
import { type DecodedMessage, type EncodableMessage, ZERO_UUID } from '../protocol/schema.ts'
import { topicConfigs } from '../topics/topic-configs.ts'
import { isRefusal, type NewTopic, type Refusal, type Topic } from '../topics/topics.ts'
import { api } from './api.ts'

type CreateRequest = DecodedMessage<typeof messages.createTopicsRequest>
type WantedTopic = CreateRequest['topics'][number]
type CreatedTopic = EncodableMessage<typeof messages.createTopicsResponse>['topics'][number]

export const createTopicsApi = api({
  key: 19,
  name: 'CreateTopics',
  min: 2,
  max: 7,
  scheduling: 'inline',
  request: messages.createTopicsRequest,
  response: messages.createTopicsResponse,
  handler: handleCreateTopics,
})

/** CreateTopics (19): each topic by itself; one that is refused doesn't hold the others up. */
async function handleCreateTopics(
  broker: Broker,
  _caller: Caller,
  request: CreateRequest,
): Promise<EncodableMessage<typeof messages.createTopicsResponse>> {
  const topics = await Promise.all(
    request.topics.map(async (wanted): Promise<CreatedTopic> => {
      if (request.topics.filter(({ name }) => name === wanted.name).length > 1) {
        return notCreated(wanted.name, {
          errorCode: errorCode.INVALID_REQUEST,
          errorMessage: 'the topic is named twice',
        })
      }
      const replication = faultOfReplication(broker, wanted)
      if (replication !== null) return notCreated(wanted.name, replication)
      const topic: NewTopic = {
        name: wanted.name,
        partitions: wanted.assignments.length > 0 ? wanted.assignments.length : wanted.numPartitions,
        configs: wanted.configs,
      }
      if (request.validateOnly) {
        const fault = broker.topics.faultOf(topic)
        if (fault !== null) return notCreated(wanted.name, fault)
        const partitions = topic.partitions === -1 ? broker.defaultPartitions : topic.partitions
        return created({ name: topic.name, topicId: ZERO_UUID, partitions, configs: {} })
      }
      const made = await broker.topics.create(topic)
      return isRefusal(made) ? notCreated(wanted.name, made) : created(made)
    }),
  )
  return { topics }
}

function faultOfReplication(
  broker: Broker,
  { assignments, replicationFactor, numPartitions }: WantedTopic,
): Refusal | null {
  if (assignments.length > 0) {
    if (numPartitions !== -1 || replicationFactor !== -1) {
      return { errorCode: errorCode.INVALID_REQUEST, errorMessage: 'either assignments or numbers, not both' }
    }
    const indexes = assignments.map(({ partitionIndex }) => partitionIndex).sort((a, b) => a - b)
    const isSound =
      indexes.every((partition, index) => partition === index) &&
      assignments.every(({ brokerIds }) => brokerIds.length === 1 && brokerIds[0] === broker.nodeId)
    return isSound
      ? null
      : { errorCode: errorCode.INVALID_REPLICA_ASSIGNMENT, errorMessage: `node ${broker.nodeId} is the only one` }
  }
  if (replicationFactor === -1 || replicationFactor === 1) return null
  return { errorCode: errorCode.INVALID_REPLICATION_FACTOR, errorMessage: 'there is one node: the factor is 1' }
}

function notCreated(name: string, { errorCode: code, errorMessage }: Refusal): CreatedTopic {
  return { name, topicId: ZERO_UUID, errorCode: code, errorMessage, configs: [] }
}

const TOPIC_CONFIG = 1
const DEFAULT_CONFIG = 5

function created(topic: Topic): CreatedTopic {
  return {
    name: topic.name,
    topicId: topic.topicId,
    errorCode: errorCode.NONE,
    numPartitions: topic.partitions,
    replicationFactor: 1,
    configs: topicConfigs.map(({ name, default: fallback }) => ({
      name,
      value: topic.configs[name] ?? fallback,
      readOnly: false,
      configSource: name in topic.configs ? TOPIC_CONFIG : DEFAULT_CONFIG,
      isSensitive: false,
    })),
  }
}

const BY_ID_SINCE = 6

export const deleteTopicsApi = api({
  key: 20,
  name: 'DeleteTopics',
  min: 1,
  max: 6,
  scheduling: 'inline',
  request: messages.deleteTopicsRequest,
  response: messages.deleteTopicsResponse,
  handler: handleDeleteTopics,
})

/** DeleteTopics (20), by name or by id. */
async function handleDeleteTopics(
  broker: Broker,
  caller: Caller,
  request: DecodedMessage<typeof messages.deleteTopicsRequest>,
): Promise<EncodableMessage<typeof messages.deleteTopicsResponse>> {
  const wanted =
    caller.apiVersion >= BY_ID_SINCE ? request.topics : request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }))
  const responses = await Promise.all(
    wanted.map(async ({ name, topicId }) => {
      const topic = name === null ? broker.topics.byId(topicId) : broker.topics.get(name)
      if (topic === undefined) {
        const code = name === null ? errorCode.UNKNOWN_TOPIC_ID : errorCode.UNKNOWN_TOPIC_OR_PARTITION
        return { name, topicId, errorCode: code }
      }
      await broker.topics.remove(topic, broker.offsets.forgetTopic(topic.name))
      broker.producers.forgetTopic(topic.topicId)
      return { name: topic.name, topicId: topic.topicId, errorCode: errorCode.NONE }
    }),
  )
  return { responses }
}

export const createPartitionsApi = api({
  key: 37,
  name: 'CreatePartitions',
  min: 0,
  max: 3,
  scheduling: 'inline',
  request: messages.createPartitionsRequest,
  response: messages.createPartitionsResponse,
  handler: handleCreatePartitions,
})

/** CreatePartitions (37): more partitions, never fewer. */
async function handleCreatePartitions(
  broker: Broker,
  _caller: Caller,
  request: DecodedMessage<typeof messages.createPartitionsRequest>,
): Promise<EncodableMessage<typeof messages.createPartitionsResponse>> {
  const results = await Promise.all(
    request.topics.map(async ({ name, count, assignments }) => {
      if (assignments?.some(({ brokerIds }) => brokerIds.length !== 1 || brokerIds[0] !== broker.nodeId)) {
        const errorMessage = `node ${broker.nodeId} is the only one`
        return { name, errorCode: errorCode.INVALID_REPLICA_ASSIGNMENT, errorMessage }
      }
      const result = request.validateOnly
        ? broker.topics.faultOfGrowth(name, count)
        : await broker.topics.grow(name, count)
      return result !== null && isRefusal(result) ? { name, ...result } : { name, errorCode: errorCode.NONE }
    }),
  )
  return { results }
}
