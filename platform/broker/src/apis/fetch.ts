/**
 * Fetch (key 1): record batches from an offset on.
 *
 * Promises that only durable data is given; that an offset inside a batch gives the whole batch; that the first
 * non-empty partition gives at least one batch however small the limits are; that a waiting fetch is answered as soon
 * as enough is durable, at the latest after maxWaitMs.
 * A partition whose batch at the offset is damaged on the disk answers KAFKA_STORAGE_ERROR; the others are served.
 * Versions: 7 adds sessions, which are never opened: every answer has session id 0 and is complete; 12 is flexible;
 * 13 names topics by id.
 * Absent: sessions, followers, read replicas, diverging epochs (there is one epoch). Without transactions the last
 * stable offset is the high watermark and no transaction is ever aborted.
 */
import type { Broker, Caller } from '../broker.ts'
import { DamagedLog, OffsetOutOfRange } from '../log/errors.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { fetchRequest, fetchResponse } from '../protocol/messages/fetch.ts'
import type { DecodedMessage, EncodableMessage } from '../protocol/schema.ts'
import type { Topic } from '../topics/topics.ts'
import { api } from './api.ts'
import { faultOfLeaderEpoch } from './leader-epoch.ts'

type Request = DecodedMessage<typeof fetchRequest>
type Response = EncodableMessage<typeof fetchResponse>
type TopicAnswer = Response['responses'][number]
type PartitionAnswer = TopicAnswer['partitions'][number]
type PartitionRequest = Request['topics'][number]['partitions'][number]

const BY_ID_SINCE = 13

export const fetchApi = api({
  key: 1,
  name: 'Fetch',
  min: 4,
  max: 17,
  scheduling: 'parked',
  request: fetchRequest,
  response: fetchResponse,
  handler: handleFetch,
})

/**
 * Fetch (1): records from an offset on. Waits for `minBytes`, at most `maxWaitMs`. No fetch sessions (KIP-227):
 * every request names all it wants.
 */
export async function handleFetch(broker: Broker, caller: Caller, request: Request): Promise<Response> {
  if (request.sessionId !== 0) {
    return { errorCode: errorCode.FETCH_SESSION_ID_NOT_FOUND, responses: [] }
  }
  const answerBy = performance.now() + Math.max(0, request.maxWaitMs)
  for (;;) {
    const collected = await collect(broker, caller, request)
    const leftMs = answerBy - performance.now()
    const enough = collected.bytes >= request.minBytes || collected.hasError || collected.partitions.length === 0
    const mayWait = leftMs > 0 && !caller.hurry.aborted && broker.growth.waiting < broker.limits.parkedFetchesMax
    if (enough || !mayWait) return { responses: collected.responses }
    if (!hasGrownSince(broker, collected)) await broker.growth.wait(collected.partitions, leftMs, caller.hurry)
  }
}

interface Collected {
  readonly responses: TopicAnswer[]
  bytes: number
  hasError: boolean
  /** Keys of the partitions that may grow, with where they ended. */
  readonly partitions: string[]
  readonly ends: { readonly topicId: string; readonly partition: number; readonly end: bigint }[]
}

async function collect(broker: Broker, caller: Caller, request: Request): Promise<Collected> {
  const collected: Collected = { responses: [], bytes: 0, hasError: false, partitions: [], ends: [] }
  const bytesMax = Math.min(request.maxBytes, broker.limits.fetchBytesMax)
  for (const wanted of request.topics) {
    const byId = caller.apiVersion >= BY_ID_SINCE
    const topic = byId ? broker.topics.byId(wanted.topicId) : broker.topics.get(wanted.topic)
    const partitions: PartitionAnswer[] = []
    for (const partition of wanted.partitions) {
      const unknown = byId ? errorCode.UNKNOWN_TOPIC_ID : errorCode.UNKNOWN_TOPIC_OR_PARTITION
      const answer =
        topic === undefined
          ? refused(partition.partition, unknown)
          : await readPartition(broker, topic, partition, collected, bytesMax)
      if (answer.errorCode !== errorCode.NONE) collected.hasError = true
      partitions.push(answer)
    }
    collected.responses.push({ topic: wanted.topic, topicId: wanted.topicId, partitions })
  }
  return collected
}

async function readPartition(
  broker: Broker,
  topic: Topic,
  wanted: PartitionRequest,
  collected: Collected,
  bytesMax: number,
): Promise<PartitionAnswer> {
  const { partition, fetchOffset, partitionMaxBytes } = wanted
  if (partition < 0 || partition >= topic.partitions) {
    return refused(partition, errorCode.UNKNOWN_TOPIC_OR_PARTITION)
  }
  const epochFault = faultOfLeaderEpoch(wanted.currentLeaderEpoch)
  if (epochFault !== errorCode.NONE) return refused(partition, epochFault)
  const { topicId } = topic
  const { logStartOffset, nextOffset } = broker.log.bounds(topicId, partition)
  const answer = (code: number, records: readonly Buffer[]): PartitionAnswer => ({
    partitionIndex: partition,
    errorCode: code,
    highWatermark: nextOffset,
    lastStableOffset: nextOffset,
    logStartOffset,
    records,
  })
  if (fetchOffset < logStartOffset || fetchOffset > nextOffset) {
    return answer(errorCode.OFFSET_OUT_OF_RANGE, [])
  }
  collected.partitions.push(`${topicId}/${partition}`)
  collected.ends.push({ topicId, partition, end: nextOffset })
  const room = Math.min(partitionMaxBytes, bytesMax - collected.bytes)
  if (fetchOffset === nextOffset || (room <= 0 && collected.bytes > 0)) return answer(errorCode.NONE, [])
  try {
    const batches = await broker.log.read(topicId, partition, fetchOffset, Math.max(room, 1))
    const bytes = batches.reduce((sum, batch) => sum + batch.length, 0)
    // The log gives a batch even when it is too large; only the first non-empty partition may make use of that.
    if (collected.bytes > 0 && bytes > room) return answer(errorCode.NONE, [])
    collected.bytes += bytes
    return answer(errorCode.NONE, batches)
  } catch (error) {
    // Retention may have moved the log's start while we read.
    if (error instanceof OffsetOutOfRange) return answer(errorCode.OFFSET_OUT_OF_RANGE, [])
    if (error instanceof DamagedLog) {
      broker.damage.note(topic.name, partition, error)
      return answer(errorCode.KAFKA_STORAGE_ERROR, [])
    }
    throw error
  }
}

/** Reading takes time; what became durable meanwhile has woken nobody. */
function hasGrownSince(broker: Broker, { ends }: Collected): boolean {
  return ends.some(({ topicId, partition, end }) => broker.log.bounds(topicId, partition).nextOffset > end)
}

function refused(partitionIndex: number, code: number): PartitionAnswer {
  return { partitionIndex, errorCode: code, highWatermark: -1n, records: [] }
}
