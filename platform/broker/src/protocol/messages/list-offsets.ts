import { array, arrayOf, int8, int16, int32, int64, message, string } from '../schema.ts'

export const listOffsetsRequest = message('ListOffsetsRequest', 6, {
  replicaId: int32(),
  isolationLevel: int8({ since: 2, default: 0 }),
  topics: array({
    name: string(),
    partitions: array({
      partitionIndex: int32(),
      currentLeaderEpoch: int32({ since: 4, default: -1 }),
      timestamp: int64(),
      maxNumOffsets: int32({ until: 0, default: 1 }),
    }),
  }),
  timeoutMs: int32({ since: 10, default: 0 }),
})

export const listOffsetsResponse = message('ListOffsetsResponse', 6, {
  throttleTimeMs: int32({ since: 2, default: 0 }),
  topics: array({
    name: string(),
    partitions: array({
      partitionIndex: int32(),
      errorCode: int16(),
      oldStyleOffsets: arrayOf(int64(), { until: 0 }),
      timestamp: int64({ since: 1, default: -1n }),
      offset: int64({ since: 1, default: -1n }),
      leaderEpoch: int32({ since: 4, default: -1 }),
    }),
  }),
})
