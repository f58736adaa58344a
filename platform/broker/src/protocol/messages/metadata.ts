import { array, arrayOf, bool, int16, int32, message, string, uuid } from '../schema.ts'

export const metadataRequest = message('MetadataRequest', 9, {
  /** null: all topics. In version 0 an empty list means the same. */
  topics: array({ topicId: uuid({ since: 10 }), name: string({ nullableSince: 10 }) }, { nullableSince: 1 }),
  allowAutoTopicCreation: bool({ since: 4, default: true }),
  includeClusterAuthorizedOperations: bool({ since: 8, until: 10, default: false }),
  includeTopicAuthorizedOperations: bool({ since: 8, default: false }),
})

export const metadataResponse = message('MetadataResponse', 9, {
  throttleTimeMs: int32({ since: 3, default: 0 }),
  brokers: array({
    nodeId: int32(),
    host: string(),
    port: int32(),
    rack: string({ since: 1, nullableSince: 1, default: null }),
  }),
  clusterId: string({ since: 2, nullableSince: 2, default: null }),
  controllerId: int32({ since: 1, default: -1 }),
  topics: array({
    errorCode: int16(),
    name: string({ nullableSince: 12 }),
    topicId: uuid({ since: 10 }),
    isInternal: bool({ since: 1, default: false }),
    partitions: array({
      errorCode: int16(),
      partitionIndex: int32(),
      leaderId: int32(),
      leaderEpoch: int32({ since: 7, default: -1 }),
      replicaNodes: arrayOf(int32()),
      isrNodes: arrayOf(int32()),
      offlineReplicas: arrayOf(int32(), { since: 5, default: [] }),
    }),
    /** The smallest integer: not asked for. */
    topicAuthorizedOperations: int32({ since: 8, default: -2_147_483_648 }),
  }),
  clusterAuthorizedOperations: int32({ since: 8, until: 10, default: -2_147_483_648 }),
})
