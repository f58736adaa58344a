import { array, arrayOf, int8, int16, int32, int64, message, records, string, taggedStruct, uuid } from '../schema.ts'

export const fetchRequest = message('FetchRequest', 12, {
  clusterId: string({ since: 12, nullableSince: 12, default: null, tag: 0 }),
  replicaId: int32({ until: 14, default: -1 }),
  replicaState: taggedStruct(
    { replicaId: int32({ since: 15, default: -1 }), replicaEpoch: int64({ since: 15, default: -1n }) },
    { since: 15, tag: 1 },
  ),
  maxWaitMs: int32(),
  minBytes: int32(),
  maxBytes: int32({ since: 3, default: 0x7fff_ffff }),
  /** 0 read uncommitted, 1 read committed. */
  isolationLevel: int8({ since: 4, default: 0 }),
  sessionId: int32({ since: 7, default: 0 }),
  sessionEpoch: int32({ since: 7, default: -1 }),
  topics: array({
    topic: string({ until: 12 }),
    topicId: uuid({ since: 13 }),
    partitions: array({
      partition: int32(),
      currentLeaderEpoch: int32({ since: 9, default: -1 }),
      fetchOffset: int64(),
      lastFetchedEpoch: int32({ since: 12, default: -1 }),
      logStartOffset: int64({ since: 5, default: -1n }),
      partitionMaxBytes: int32(),
      replicaDirectoryId: uuid({ since: 17, tag: 0 }),
    }),
  }),
  forgottenTopicsData: array(
    {
      topic: string({ since: 7, until: 12 }),
      topicId: uuid({ since: 13 }),
      partitions: arrayOf(int32(), { since: 7 }),
    },
    { since: 7, default: [] },
  ),
  rackId: string({ since: 11, default: '' }),
})

const epochEnd = { epoch: int32({ default: -1 }), endOffset: int64({ default: -1n }) }

export const fetchResponse = message('FetchResponse', 12, {
  throttleTimeMs: int32({ since: 1, default: 0 }),
  errorCode: int16({ since: 7, default: 0 }),
  sessionId: int32({ since: 7, default: 0 }),
  responses: array({
    topic: string({ until: 12 }),
    topicId: uuid({ since: 13 }),
    partitions: array({
      partitionIndex: int32(),
      errorCode: int16(),
      highWatermark: int64(),
      lastStableOffset: int64({ since: 4, default: -1n }),
      logStartOffset: int64({ since: 5, default: -1n }),
      divergingEpoch: taggedStruct(epochEnd, { since: 12, tag: 0 }),
      currentLeader: taggedStruct(
        { leaderId: int32({ default: -1 }), leaderEpoch: int32({ default: -1 }) },
        { since: 12, tag: 1 },
      ),
      snapshotId: taggedStruct(
        { endOffset: int64({ default: -1n }), epoch: int32({ default: -1 }) },
        { since: 12, tag: 2 },
      ),
      abortedTransactions: array(
        { producerId: int64({ since: 4 }), firstOffset: int64({ since: 4 }) },
        { since: 4, nullableSince: 4, default: null },
      ),
      preferredReadReplica: int32({ since: 11, default: -1 }),
      records: records({ nullableSince: 0 }),
    }),
  }),
  nodeEndpoints: array(
    {
      nodeId: int32({ since: 16 }),
      host: string({ since: 16 }),
      port: int32({ since: 16 }),
      rack: string({ since: 16, nullableSince: 16, default: null }),
    },
    { since: 16, tag: 0, default: [] },
  ),
})
