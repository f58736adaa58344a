/**
 * OffsetCommit and OffsetFetch (keys 8 and 9): how far a group has come.
 *
 * Promises that a commit is durable when it is answered, that a fetch sees it from then on, and that the metadata text
 * comes back unchanged. A commit of a member is judged by its generation and instance id; one without a member is
 * taken while the group has no members.
 * Versions: OffsetCommit 7 adds static members; OffsetFetch 2 takes null for "all partitions", 8 several groups, and
 * then errors are in the groups; 9 names a member of a KIP-848 group, which is not looked at.
 * Absent: expiry (offsets are kept until the group or the topic is deleted), pending transactional offsets, version 10
 * with topic ids.
 */
import type { Broker, Caller } from '../broker.ts'
import type { OffsetToCommit } from '../groups/offsets.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { offsetCommitRequest, offsetCommitResponse } from '../protocol/messages/offset-commit.ts'
import { offsetFetchRequest, offsetFetchResponse } from '../protocol/messages/offset-fetch.ts'
import type { DecodedMessage, EncodableMessage } from '../protocol/schema.ts'
import { api } from './api.ts'
import { faultOfGroupId } from './group-membership.ts'

type CommitRequest = DecodedMessage<typeof offsetCommitRequest>
type CommitResponse = EncodableMessage<typeof offsetCommitResponse>

export const offsetCommitApi = api({
  key: 8,
  name: 'OffsetCommit',
  min: 2,
  max: 9,
  scheduling: 'inline',
  request: offsetCommitRequest,
  response: offsetCommitResponse,
  handler: handleOffsetCommit,
})

/** OffsetCommit (8): durable when it is answered. */
async function handleOffsetCommit(broker: Broker, _caller: Caller, request: CommitRequest): Promise<CommitResponse> {
  const fault =
    faultOfGroupId(request.groupId) ||
    broker.groups.mayCommit(request.groupId, request, request.generationIdOrMemberEpoch)
  const accepted: OffsetToCommit[] = []
  const isNew = broker.offsets.of(request.groupId).size === 0
  const tooMany = isNew && broker.offsets.groupCount >= broker.limits.groupsMax
  const judged = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((partition) => {
      const code =
        fault || (tooMany ? errorCode.POLICY_VIOLATION : errorCode.NONE) || faultOfCommit(broker, name, partition)
      if (code === errorCode.NONE) {
        accepted.push({
          topic: name,
          partition: partition.partitionIndex,
          offset: partition.committedOffset,
          leaderEpoch: partition.committedLeaderEpoch,
          metadata: partition.committedMetadata,
        })
      }
      return { partitionIndex: partition.partitionIndex, errorCode: code }
    }),
  }))
  if (accepted.length === 0) return { topics: judged }
  try {
    await broker.offsets.commit(request.groupId, accepted)
    return { topics: judged }
  } catch {
    return {
      topics: judged.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((partition) => ({
          ...partition,
          errorCode: partition.errorCode || errorCode.COORDINATOR_NOT_AVAILABLE,
        })),
      })),
    }
  }
}

function faultOfCommit(
  broker: Broker,
  topic: string,
  { partitionIndex, committedMetadata }: CommitRequest['topics'][number]['partitions'][number],
): number {
  const known = broker.topics.get(topic)
  if (known === undefined || partitionIndex < 0 || partitionIndex >= known.partitions) {
    return errorCode.UNKNOWN_TOPIC_OR_PARTITION
  }
  if (Buffer.byteLength(committedMetadata ?? '') > broker.limits.offsetMetadataBytesMax) {
    return errorCode.OFFSET_METADATA_TOO_LARGE
  }
  return errorCode.NONE
}

type FetchRequest = DecodedMessage<typeof offsetFetchRequest>
type FetchResponse = EncodableMessage<typeof offsetFetchResponse>
type WantedTopics = FetchRequest['topics']

const BATCHED_SINCE = 8

export const offsetFetchApi = api({
  key: 9,
  name: 'OffsetFetch',
  min: 1,
  max: 9,
  scheduling: 'inline',
  request: offsetFetchRequest,
  response: offsetFetchResponse,
  handler: handleOffsetFetch,
})

/** OffsetFetch (9): committed offsets of a group, from version 8 on of several. */
function handleOffsetFetch(broker: Broker, caller: Caller, request: FetchRequest): FetchResponse {
  if (caller.apiVersion < BATCHED_SINCE) {
    return { topics: offsetsOf(broker, request.groupId, request.topics), errorCode: errorCode.NONE }
  }
  return {
    groups: request.groups.map(({ groupId, topics }) => ({
      groupId,
      topics: offsetsOf(broker, groupId, topics),
      errorCode: errorCode.NONE,
    })),
  }
}

/** -1 stands for a partition without a committed offset. */
function offsetsOf(broker: Broker, groupId: string, wanted: WantedTopics) {
  const topics =
    wanted ??
    [...broker.offsets.of(groupId)].map(([name, partitions]) => ({ name, partitionIndexes: [...partitions.keys()] }))
  return topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => {
      const committed = broker.offsets.get(groupId, name, partitionIndex)
      return {
        partitionIndex,
        committedOffset: committed?.offset ?? -1n,
        committedLeaderEpoch: committed?.leaderEpoch ?? -1,
        metadata: committed?.metadata ?? '',
        errorCode: errorCode.NONE,
      }
    }),
  }))
}
