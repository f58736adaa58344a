/**
 * Metadata (key 3): the one broker, and the topics with their partitions, which it leads.
 *
 * Promises that a topic in the answer is durable. A topic that is asked for by name and doesn't exist is made, if the
 * broker is set so and the client allows it.
 * Versions: 0 takes an empty list for "all topics", later ones null; 4 adds the client's word on creation; 10 topic
 * ids in the answer; 12 asking by id.
 * Absent: version 13 (a top-level error), racks, authorized operations (nothing is forbidden here).
 */
import type { Broker, Caller } from '../broker.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { metadataRequest, metadataResponse } from '../protocol/messages/metadata.ts'
import { type DecodedMessage, type EncodableMessage, ZERO_UUID } from '../protocol/schema.ts'
import { faultOfTopicName, isRefusal, type Topic } from '../topics/topics.ts'
import { api } from './api.ts'

type Request = DecodedMessage<typeof metadataRequest>
type Response = EncodableMessage<typeof metadataResponse>
type TopicAnswer = Response['topics'][number]

export const metadataApi = api({
  key: 3,
  name: 'Metadata',
  min: 0,
  max: 12,
  scheduling: 'inline',
  request: metadataRequest,
  response: metadataResponse,
  handler: handleMetadata,
})

/** Metadata (3): brokers, and topics with their partitions; no list of topics means all of them. */
async function handleMetadata(broker: Broker, caller: Caller, request: Request): Promise<Response> {
  const wantsAll = request.topics === null || (caller.apiVersion === 0 && request.topics.length === 0)
  const topics = wantsAll
    ? [...broker.topics.all()].map((topic) => describe(broker, topic))
    : await Promise.all((request.topics ?? []).map((wanted) => lookUp(broker, wanted, request.allowAutoTopicCreation)))
  return {
    brokers: [{ nodeId: broker.nodeId, ...broker.advertised }],
    clusterId: broker.clusterId,
    controllerId: broker.nodeId,
    topics,
  }
}

async function lookUp(
  broker: Broker,
  wanted: { readonly name: string | null; readonly topicId: string },
  mayCreate: boolean,
): Promise<TopicAnswer> {
  const { name, topicId } = wanted
  if (name === null) {
    const topic = broker.topics.byId(topicId)
    return topic ? describe(broker, topic) : { ...missing(null, errorCode.UNKNOWN_TOPIC_ID), topicId }
  }
  const topic = broker.topics.get(name)
  if (topic !== undefined) return describe(broker, topic)
  if (faultOfTopicName(name) !== null) return missing(name, errorCode.INVALID_TOPIC_EXCEPTION)
  if (!broker.autoCreateTopics || !mayCreate) return missing(name, errorCode.UNKNOWN_TOPIC_OR_PARTITION)
  const made = await broker.topics.create({ name, partitions: -1, configs: [] })
  if (!isRefusal(made)) return describe(broker, made)
  const other = broker.topics.get(name)
  return other ? describe(broker, other) : missing(name, made.errorCode)
}

function missing(name: string | null, code: number): TopicAnswer {
  return { errorCode: code, name, topicId: ZERO_UUID, partitions: [] }
}

function describe(broker: Broker, topic: Topic): TopicAnswer {
  const replicas = [broker.nodeId]
  return {
    errorCode: errorCode.NONE,
    name: topic.name,
    topicId: topic.topicId,
    partitions: Array.from({ length: topic.partitions }, (_, partitionIndex) => ({
      errorCode: errorCode.NONE,
      partitionIndex,
      leaderId: broker.nodeId,
      leaderEpoch: 0,
      replicaNodes: replicas,
      isrNodes: replicas,
    })),
  }
}
