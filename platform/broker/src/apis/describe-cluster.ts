/**
 * DescribeCluster (key 60): one broker, which is its own controller.
 *
 * Versions: 1 asks for brokers or controllers; there is no controller to connect to apart from the broker, so that is
 * answered UNSUPPORTED_ENDPOINT_TYPE; 2 says which brokers are fenced: none.
 * Absent: authorized operations.
 */
import type { Broker, Caller } from '../broker.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { describeClusterRequest, describeClusterResponse } from '../protocol/messages/describe-cluster.ts'
import type { DecodedMessage, EncodableMessage } from '../protocol/schema.ts'
import { api } from './api.ts'

const BROKERS = 1

export const describeClusterApi = api({
  key: 60,
  name: 'DescribeCluster',
  min: 0,
  max: 2,
  scheduling: 'inline',
  request: describeClusterRequest,
  response: describeClusterResponse,
  handler: handleDescribeCluster,
})

/** DescribeCluster (60): one broker, which is the controller too. */
function handleDescribeCluster(
  broker: Broker,
  _caller: Caller,
  request: DecodedMessage<typeof describeClusterRequest>,
): EncodableMessage<typeof describeClusterResponse> {
  if (request.endpointType !== BROKERS) {
    return {
      errorCode: errorCode.UNSUPPORTED_ENDPOINT_TYPE,
      errorMessage: 'only brokers can be described',
      endpointType: request.endpointType,
      clusterId: broker.clusterId,
      brokers: [],
    }
  }
  return {
    errorCode: errorCode.NONE,
    endpointType: BROKERS,
    clusterId: broker.clusterId,
    controllerId: broker.nodeId,
    brokers: [{ brokerId: broker.nodeId, ...broker.advertised }],
  }
}
