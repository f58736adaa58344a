/**
 * OffsetForLeaderEpoch (key 23): where an epoch ended, so that a client can tell whether its log was cut (KIP-320).
 *
 * Promises that epoch 0 ends where the partition ends: nothing is ever cut. A later epoch is unknown.
 * Versions: 3 adds the replica id, which is not looked at. Versions 0 and 1 are not offered, as by Apache Kafka 4.
 */
import type { Broker, Caller } from '../broker.ts'
import { errorCode } from '../protocol/error-codes.ts'
import {
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
} from '../protocol/messages/offset-for-leader-epoch.ts'
import type { DecodedMessage, EncodableMessage } from '../protocol/schema.ts'
import { api } from './api.ts'
import { faultOfLeaderEpoch } from './leader-epoch.ts'

export const offsetForLeaderEpochApi = api({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  min: 2,
  max: 4,
  scheduling: 'inline',
  request: offsetForLeaderEpochRequest,
  response: offsetForLeaderEpochResponse,
  handler: handleOffsetForLeaderEpoch,
})

/** OffsetForLeaderEpoch (23): where an epoch ended; there is one leader, so it is the end of the log. */
function handleOffsetForLeaderEpoch(
  broker: Broker,
  _caller: Caller,
  request: DecodedMessage<typeof offsetForLeaderEpochRequest>,
): EncodableMessage<typeof offsetForLeaderEpochResponse> {
  return {
    topics: request.topics.map(({ topic, partitions }) => {
      const known = broker.topics.get(topic)
      return {
        topic,
        partitions: partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) => {
          if (known === undefined || partition < 0 || partition >= known.partitions) {
            return { partition, errorCode: errorCode.UNKNOWN_TOPIC_OR_PARTITION }
          }
          const fault = faultOfLeaderEpoch(currentLeaderEpoch)
          if (fault !== errorCode.NONE) return { partition, errorCode: fault }
          if (leaderEpoch !== 0) return { partition, errorCode: errorCode.NONE }
          const { nextOffset } = broker.log.bounds(known.topicId, partition)
          return { partition, errorCode: errorCode.NONE, leaderEpoch: 0, endOffset: nextOffset }
        }),
      }
    }),
  }
}
