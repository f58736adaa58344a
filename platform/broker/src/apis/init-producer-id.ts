/**
 * InitProducerId (key 22): an id for an idempotent producer.
 *
 * Promises an id that was never given before, epoch 0, durable before it is answered.
 * Versions: 3 lets a producer name its present id and epoch to get a newer epoch. A producer without a transactional id
 * gets a new id whatever it names, as from Apache Kafka (one client names 0 and 0 where it means none).
 * Absent: transactional ids, which are answered INVALID_REQUEST.
 */
import type { Broker, Caller } from '../broker.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { initProducerIdRequest, initProducerIdResponse } from '../protocol/messages/init-producer-id.ts'
import type { DecodedMessage, EncodableMessage } from '../protocol/schema.ts'
import { api } from './api.ts'

export const initProducerIdApi = api({
  key: 22,
  name: 'InitProducerId',
  min: 0,
  max: 5,
  scheduling: 'inline',
  request: initProducerIdRequest,
  response: initProducerIdResponse,
  handler: handleInitProducerId,
})

/** InitProducerId (22): an id and an epoch for an idempotent producer (KIP-98). Transactions are refused. */
async function handleInitProducerId(
  broker: Broker,
  _caller: Caller,
  request: DecodedMessage<typeof initProducerIdRequest>,
): Promise<EncodableMessage<typeof initProducerIdResponse>> {
  if (request.transactionalId !== null) {
    return { errorCode: errorCode.INVALID_REQUEST, producerId: -1n, producerEpoch: -1 }
  }
  try {
    return { errorCode: errorCode.NONE, producerId: await broker.producers.newId(), producerEpoch: 0 }
  } catch {
    return { errorCode: errorCode.COORDINATOR_NOT_AVAILABLE, producerId: -1n, producerEpoch: -1 }
  }
}
