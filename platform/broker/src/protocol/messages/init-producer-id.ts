import { int16, int32, int64, message, string } from '../schema.ts'

export const initProducerIdRequest = message('InitProducerIdRequest', 2, {
  transactionalId: string({ nullableSince: 0 }),
  transactionTimeoutMs: int32(),
  producerId: int64({ since: 3, default: -1n }),
  producerEpoch: int16({ since: 3, default: -1 }),
})

export const initProducerIdResponse = message('InitProducerIdResponse', 2, {
  throttleTimeMs: int32({ default: 0 }),
  errorCode: int16(),
  producerId: int64({ default: -1n }),
  producerEpoch: int16(),
})
