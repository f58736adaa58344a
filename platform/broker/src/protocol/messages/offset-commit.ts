import { array, int16, int32, int64, message, string } from '../schema.ts'

export const offsetCommitRequest = message('OffsetCommitRequest', 8, {
  groupId: string(),
  generationIdOrMemberEpoch: int32({ since: 1, default: -1 }),
  memberId: string({ since: 1 }),
  groupInstanceId: string({ since: 7, nullableSince: 7, default: null }),
  retentionTimeMs: int64({ since: 2, until: 4, default: -1n }),
  topics: array({
    name: string(),
    partitions: array({
      partitionIndex: int32(),
      committedOffset: int64(),
      committedLeaderEpoch: int32({ since: 6, default: -1 }),
      commitTimestamp: int64({ since: 1, until: 1, default: -1n }),
      committedMetadata: string({ nullableSince: 0 }),
    }),
  }),
})

export const offsetCommitResponse = message('OffsetCommitResponse', 8, {
  throttleTimeMs: int32({ since: 3, default: 0 }),
  topics: array({
    name: string(),
    partitions: array({ partitionIndex: int32(), errorCode: int16() }),
  }),
})
