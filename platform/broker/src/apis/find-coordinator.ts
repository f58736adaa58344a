/**
 * FindCoordinator (key 10): who keeps a group. This node does.
 *
 * Promises the advertised address for every group id.
 * Versions: 4 takes many keys at once and answers a list.
 * Absent: coordinators of transactions (key type 1) and share groups (2), which are answered INVALID_REQUEST.
 */
import type { Broker, Caller } from '../broker.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { findCoordinatorRequest, findCoordinatorResponse } from '../protocol/messages/find-coordinator.ts'
import type { DecodedMessage, EncodableMessage } from '../protocol/schema.ts'
import { api } from './api.ts'

const GROUP = 0
const BATCHED_SINCE = 4

export const findCoordinatorApi = api({
  key: 10,
  name: 'FindCoordinator',
  min: 0,
  max: 6,
  scheduling: 'inline',
  request: findCoordinatorRequest,
  response: findCoordinatorResponse,
  handler: handleFindCoordinator,
})

/** FindCoordinator (10): of every group it is this broker; for transactions there is none. */
function handleFindCoordinator(
  broker: Broker,
  caller: Caller,
  request: DecodedMessage<typeof findCoordinatorRequest>,
): EncodableMessage<typeof findCoordinatorResponse> {
  const found =
    request.keyType === GROUP
      ? { errorCode: errorCode.NONE, errorMessage: null, nodeId: broker.nodeId, ...broker.advertised }
      : {
          errorCode: errorCode.INVALID_REQUEST,
          errorMessage: 'this broker coordinates consumer groups only',
          nodeId: -1,
          host: '',
          port: -1,
        }
  if (caller.apiVersion < BATCHED_SINCE) return found
  return { coordinators: request.coordinatorKeys.map((key) => ({ key, ...found })) }
}
