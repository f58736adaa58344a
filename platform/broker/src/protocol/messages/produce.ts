import { array, int16, int32, int64, message, records, string, taggedStruct } from '../schema.ts'

export const produceRequest = message('ProduceRequest', 9, {
  transactionalId: string({ since: 3, nullableSince: 3, default: null }),
  /** 0: no answer; 1 and -1 are the same on one node. */
  acks: int16(),
  timeoutMs: int32(),
  topicData: array({
    name: string(),
    partitionData: array({ index: int32(), records: records({ nullableSince: 0 }) }),
  }),
})

export const produceResponse = message('ProduceResponse', 9, {
  responses: array({
    name: string(),
    partitionResponses: array({
      index: int32(),
      errorCode: int16(),
      baseOffset: int64(),
      logAppendTimeMs: int64({ since: 2, default: -1n }),
      logStartOffset: int64({ since: 5, default: -1n }),
      recordErrors: array(
        {
          batchIndex: int32({ since: 8 }),
          batchIndexErrorMessage: string({ since: 8, nullableSince: 8, default: null }),
        },
        { since: 8, default: [] },
      ),
      errorMessage: string({ since: 8, nullableSince: 8, default: null }),
      currentLeader: taggedStruct(
        { leaderId: int32({ since: 10, default: -1 }), leaderEpoch: int32({ since: 10, default: -1 }) },
        { since: 10, tag: 0 },
      ),
    }),
  }),
  throttleTimeMs: int32({ since: 1, default: 0 }),
  nodeEndpoints: array(
    {
      nodeId: int32({ since: 10 }),
      host: string({ since: 10 }),
      port: int32({ since: 10 }),
      rack: string({ since: 10, nullableSince: 10, default: null }),
    },
    { since: 10, tag: 0, default: [] },
  ),
})
