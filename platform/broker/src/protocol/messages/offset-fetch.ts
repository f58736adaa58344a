import { array, arrayOf, bool, int16, int32, int64, message, string } from '../schema.ts'

export const offsetFetchRequest = message('OffsetFetchRequest', 6, {
  groupId: string({ until: 7 }),
  /** null: all partitions with a committed offset. */
  topics: array({ name: string(), partitionIndexes: arrayOf(int32()) }, { until: 7, nullableSince: 2 }),
  groups: array(
    {
      groupId: string(),
      memberId: string({ since: 9, nullableSince: 9, default: null }),
      memberEpoch: int32({ since: 9, default: -1 }),
      topics: array({ name: string(), partitionIndexes: arrayOf(int32()) }, { nullableSince: 8 }),
    },
    { since: 8 },
  ),
  requireStable: bool({ since: 7, default: false }),
})

const topicsOfGroup = {
  name: string(),
  partitions: array({
    partitionIndex: int32(),
    committedOffset: int64(),
    committedLeaderEpoch: int32({ since: 5, default: -1 }),
    metadata: string({ nullableSince: 0 }),
    errorCode: int16(),
  }),
} as const

export const offsetFetchResponse = message('OffsetFetchResponse', 6, {
  throttleTimeMs: int32({ since: 3, default: 0 }),
  topics: array(topicsOfGroup, { until: 7 }),
  errorCode: int16({ since: 2, until: 7, default: 0 }),
  groups: array(
    { groupId: string(), topics: array(topicsOfGroup), errorCode: int16({ default: 0 }) },
    { since: 8, default: [] },
  ),
})
