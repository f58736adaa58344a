/**
 * ListOffsets (key 2): an offset for a moment.
 *
 * Promises: -1 the end, -2 the start, -3 the record with the greatest timestamp, -4 the start of what is here, -5
 * nothing, as nothing is tiered; any other number the first record with that timestamp or a later one.
 * Versions: 1 gives one offset; 2 asks by isolation level, which makes no difference without transactions; 4 adds the
 * leader epoch; 7, 8 and 9 add -3, -4 and -5; 10 a timeout, which is never needed.
 * Absent: version 0. Within a batch compressed with snappy or lz4, which Node can't read, the answer is the batch's
 * first offset: a consumer that seeks there skips nothing.
 */
import type { Broker, Caller } from '../broker.ts'
import { DamagedLog } from '../log/errors.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { listOffsetsRequest, listOffsetsResponse } from '../protocol/messages/list-offsets.ts'
import { firstRecordAt } from '../protocol/records.ts'
import type { DecodedMessage, EncodableMessage } from '../protocol/schema.ts'
import { api } from './api.ts'
import { faultOfLeaderEpoch } from './leader-epoch.ts'

type Request = DecodedMessage<typeof listOffsetsRequest>
type Response = EncodableMessage<typeof listOffsetsResponse>
type PartitionAnswer = Response['topics'][number]['partitions'][number]

const LATEST = -1n
const EARLIEST = -2n
const MAX_TIMESTAMP = -3n
const EARLIEST_LOCAL = -4n

export const listOffsetsApi = api({
  key: 2,
  name: 'ListOffsets',
  min: 1,
  max: 10,
  scheduling: 'inline',
  request: listOffsetsRequest,
  response: listOffsetsResponse,
  handler: handleListOffsets,
})

/** ListOffsets (2): first and next offset of a partition, or the first record at a timestamp or after it. */
export async function handleListOffsets(broker: Broker, _caller: Caller, request: Request): Promise<Response> {
  const topics = await Promise.all(
    request.topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(partitions.map((wanted) => lookUp(broker, name, wanted))),
    })),
  )
  return { topics }
}

async function lookUp(
  broker: Broker,
  name: string,
  wanted: Request['topics'][number]['partitions'][number],
): Promise<PartitionAnswer> {
  const { partitionIndex, timestamp } = wanted
  const topic = broker.topics.get(name)
  if (topic === undefined || partitionIndex < 0 || partitionIndex >= topic.partitions) {
    return { partitionIndex, errorCode: errorCode.UNKNOWN_TOPIC_OR_PARTITION }
  }
  const fault = faultOfLeaderEpoch(wanted.currentLeaderEpoch)
  if (fault !== errorCode.NONE) return { partitionIndex, errorCode: fault }
  const found = await find(broker, topic.topicId, partitionIndex, timestamp).catch((error: unknown) => {
    if (!(error instanceof DamagedLog)) throw error
    broker.damage.note(name, partitionIndex, error)
    return 'damaged' as const
  })
  if (found === 'damaged') return { partitionIndex, errorCode: errorCode.KAFKA_STORAGE_ERROR }
  const answer = { partitionIndex, errorCode: errorCode.NONE }
  return found === null ? answer : { ...answer, ...found, leaderEpoch: 0 }
}

async function find(
  broker: Broker,
  topicId: string,
  partition: number,
  timestamp: bigint,
): Promise<{ offset: bigint; timestamp: bigint } | null> {
  const { logStartOffset, nextOffset } = broker.log.bounds(topicId, partition)
  if (timestamp === LATEST) return { offset: nextOffset, timestamp: -1n }
  if (timestamp === EARLIEST || timestamp === EARLIEST_LOCAL) return { offset: logStartOffset, timestamp: -1n }
  const batchAt =
    timestamp === MAX_TIMESTAMP
      ? await broker.log.maxTimestamp(topicId, partition)
      : timestamp < 0n
        ? null
        : await broker.log.offsetForTimestamp(topicId, partition, timestamp)
  if (batchAt === null) return null
  const [batch] = await broker.log.read(topicId, partition, batchAt.offset, 1)
  const wantedTime = timestamp === MAX_TIMESTAMP ? batchAt.timestamp : timestamp
  return (batch && (await firstRecordAt(batch, wantedTime))) ?? batchAt
}
