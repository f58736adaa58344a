import { array, arrayOf, bool, int8, int16, int32, message, string, uuid } from '../schema.ts'

export const createTopicsRequest = message('CreateTopicsRequest', 5, {
  topics: array({
    name: string(),
    /** -1: the broker's default. */
    numPartitions: int32(),
    replicationFactor: int16(),
    assignments: array({ partitionIndex: int32(), brokerIds: arrayOf(int32()) }),
    configs: array({ name: string(), value: string({ nullableSince: 0 }) }),
  }),
  timeoutMs: int32({ default: 60_000 }),
  validateOnly: bool({ since: 1, default: false }),
})

export const createTopicsResponse = message('CreateTopicsResponse', 5, {
  throttleTimeMs: int32({ since: 2, default: 0 }),
  topics: array({
    name: string(),
    topicId: uuid({ since: 7 }),
    errorCode: int16(),
    errorMessage: string({ since: 1, nullableSince: 0, default: null }),
    topicConfigErrorCode: int16({ since: 5, tag: 0, default: 0 }),
    numPartitions: int32({ since: 5, default: -1 }),
    replicationFactor: int16({ since: 5, default: -1 }),
    configs: array(
      {
        name: string(),
        value: string({ nullableSince: 5 }),
        readOnly: bool(),
        configSource: int8({ default: -1 }),
        isSensitive: bool(),
      },
      { since: 5, nullableSince: 5 },
    ),
  }),
})

export const deleteTopicsRequest = message('DeleteTopicsRequest', 4, {
  topics: array({ name: string({ nullableSince: 6, default: null }), topicId: uuid() }, { since: 6 }),
  topicNames: arrayOf(string(), { until: 5 }),
  timeoutMs: int32(),
})

export const deleteTopicsResponse = message('DeleteTopicsResponse', 4, {
  throttleTimeMs: int32({ since: 1, default: 0 }),
  responses: array({
    name: string({ nullableSince: 6 }),
    topicId: uuid({ since: 6 }),
    errorCode: int16(),
    errorMessage: string({ since: 5, nullableSince: 5, default: null }),
  }),
})

export const createPartitionsRequest = message('CreatePartitionsRequest', 2, {
  topics: array({
    name: string(),
    count: int32(),
    assignments: array({ brokerIds: arrayOf(int32()) }, { nullableSince: 0 }),
  }),
  timeoutMs: int32(),
  validateOnly: bool(),
})

export const createPartitionsResponse = message('CreatePartitionsResponse', 2, {
  throttleTimeMs: int32({ default: 0 }),
  results: array({ name: string(), errorCode: int16(), errorMessage: string({ nullableSince: 0, default: null }) }),
})
