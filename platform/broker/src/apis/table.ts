/**
 * The APIs of the broker. Dispatch, the ApiVersions answer, metric labels and the README's matrix read this table;
 * there is no second list.
 */
import { apiVersionsRequest, apiVersionsResponse } from '../protocol/messages/api-versions.ts'
import { describeClusterRequest, describeClusterResponse } from '../protocol/messages/describe-cluster.ts'
import { describeConfigsRequest, describeConfigsResponse } from '../protocol/messages/describe-configs.ts'
import { describeLogDirsRequest, describeLogDirsResponse } from '../protocol/messages/describe-log-dirs.ts'
import { fetchRequest, fetchResponse } from '../protocol/messages/fetch.ts'
import { findCoordinatorRequest, findCoordinatorResponse } from '../protocol/messages/find-coordinator.ts'
import * as groupAdmin from '../protocol/messages/group-admin.ts'
import * as membership from '../protocol/messages/group-membership.ts'
import { initProducerIdRequest, initProducerIdResponse } from '../protocol/messages/init-producer-id.ts'
import { listOffsetsRequest, listOffsetsResponse } from '../protocol/messages/list-offsets.ts'
import { metadataRequest, metadataResponse } from '../protocol/messages/metadata.ts'
import { offsetCommitRequest, offsetCommitResponse } from '../protocol/messages/offset-commit.ts'
import { offsetFetchRequest, offsetFetchResponse } from '../protocol/messages/offset-fetch.ts'
import {
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
} from '../protocol/messages/offset-for-leader-epoch.ts'
import { produceRequest, produceResponse } from '../protocol/messages/produce.ts'
import * as topicAdmin from '../protocol/messages/topic-admin.ts'
import { type Api, api } from './api.ts'
import { handleApiVersions } from './api-versions.ts'
import { handleDescribeCluster } from './describe-cluster.ts'
import { handleDescribeConfigs } from './describe-configs.ts'
import { handleDescribeLogDirs } from './describe-log-dirs.ts'
import { handleFetch } from './fetch.ts'
import { handleFindCoordinator } from './find-coordinator.ts'
import { handleDeleteGroups, handleDescribeGroups, handleListGroups } from './group-admin.ts'
import { handleHeartbeat, handleJoinGroup, handleLeaveGroup, handleSyncGroup } from './group-membership.ts'
import { handleInitProducerId } from './init-producer-id.ts'
import { handleListOffsets } from './list-offsets.ts'
import { handleMetadata } from './metadata.ts'
import { handleOffsetForLeaderEpoch } from './offset-for-leader-epoch.ts'
import { handleOffsetCommit, handleOffsetFetch } from './offsets.ts'
import { handleProduce } from './produce.ts'
import { handleCreatePartitions, handleCreateTopics, handleDeleteTopics } from './topic-admin.ts'

export const apis: readonly Api[] = [
  api({
    key: 0,
    name: 'Produce',
    // Below 3 nothing is answered, yet it must be offered: librdkafka before 2.3 takes a higher minimum for a broker
    // that can't decompress, and sends everything uncompressed (KAFKA-18659; Apache Kafka 4 does the same).
    min: 0,
    answeredFrom: 3,
    max: 11,
    scheduling: 'inline',
    request: produceRequest,
    response: produceResponse,
    handler: handleProduce,
  }),
  api({
    key: 1,
    name: 'Fetch',
    min: 4,
    max: 17,
    scheduling: 'parked',
    request: fetchRequest,
    response: fetchResponse,
    handler: handleFetch,
  }),
  api({
    key: 2,
    name: 'ListOffsets',
    min: 1,
    max: 10,
    scheduling: 'inline',
    request: listOffsetsRequest,
    response: listOffsetsResponse,
    handler: handleListOffsets,
  }),
  api({
    key: 3,
    name: 'Metadata',
    min: 0,
    max: 12,
    scheduling: 'inline',
    request: metadataRequest,
    response: metadataResponse,
    handler: handleMetadata,
  }),
  api({
    key: 8,
    name: 'OffsetCommit',
    min: 2,
    max: 9,
    scheduling: 'inline',
    request: offsetCommitRequest,
    response: offsetCommitResponse,
    handler: handleOffsetCommit,
  }),
  api({
    key: 9,
    name: 'OffsetFetch',
    min: 1,
    max: 9,
    scheduling: 'inline',
    request: offsetFetchRequest,
    response: offsetFetchResponse,
    handler: handleOffsetFetch,
  }),
  api({
    key: 10,
    name: 'FindCoordinator',
    min: 0,
    max: 6,
    scheduling: 'inline',
    request: findCoordinatorRequest,
    response: findCoordinatorResponse,
    handler: handleFindCoordinator,
  }),
  api({
    key: 11,
    name: 'JoinGroup',
    min: 0,
    max: 9,
    scheduling: 'parked',
    request: membership.joinGroupRequest,
    response: membership.joinGroupResponse,
    handler: handleJoinGroup,
  }),
  api({
    key: 12,
    name: 'Heartbeat',
    min: 0,
    max: 4,
    scheduling: 'inline',
    request: membership.heartbeatRequest,
    response: membership.heartbeatResponse,
    handler: handleHeartbeat,
  }),
  api({
    key: 13,
    name: 'LeaveGroup',
    min: 0,
    max: 5,
    scheduling: 'inline',
    request: membership.leaveGroupRequest,
    response: membership.leaveGroupResponse,
    handler: handleLeaveGroup,
  }),
  api({
    key: 14,
    name: 'SyncGroup',
    min: 0,
    max: 5,
    scheduling: 'parked',
    request: membership.syncGroupRequest,
    response: membership.syncGroupResponse,
    handler: handleSyncGroup,
  }),
  api({
    key: 15,
    name: 'DescribeGroups',
    min: 0,
    max: 6,
    scheduling: 'inline',
    request: groupAdmin.describeGroupsRequest,
    response: groupAdmin.describeGroupsResponse,
    handler: handleDescribeGroups,
  }),
  api({
    key: 16,
    name: 'ListGroups',
    min: 0,
    max: 5,
    scheduling: 'inline',
    request: groupAdmin.listGroupsRequest,
    response: groupAdmin.listGroupsResponse,
    handler: handleListGroups,
  }),
  api({
    key: 18,
    name: 'ApiVersions',
    min: 0,
    max: 4,
    scheduling: 'inline',
    request: apiVersionsRequest,
    response: apiVersionsResponse,
    handler: (broker, caller, request) => handleApiVersions(apis, broker, caller, request),
  }),
  api({
    key: 19,
    name: 'CreateTopics',
    min: 2,
    max: 7,
    scheduling: 'inline',
    request: topicAdmin.createTopicsRequest,
    response: topicAdmin.createTopicsResponse,
    handler: handleCreateTopics,
  }),
  api({
    key: 20,
    name: 'DeleteTopics',
    min: 1,
    max: 6,
    scheduling: 'inline',
    request: topicAdmin.deleteTopicsRequest,
    response: topicAdmin.deleteTopicsResponse,
    handler: handleDeleteTopics,
  }),
  api({
    key: 22,
    name: 'InitProducerId',
    min: 0,
    max: 5,
    scheduling: 'inline',
    request: initProducerIdRequest,
    response: initProducerIdResponse,
    handler: handleInitProducerId,
  }),
  api({
    key: 23,
    name: 'OffsetForLeaderEpoch',
    min: 2,
    max: 4,
    scheduling: 'inline',
    request: offsetForLeaderEpochRequest,
    response: offsetForLeaderEpochResponse,
    handler: handleOffsetForLeaderEpoch,
  }),
  api({
    key: 32,
    name: 'DescribeConfigs',
    min: 1,
    max: 4,
    scheduling: 'inline',
    request: describeConfigsRequest,
    response: describeConfigsResponse,
    handler: handleDescribeConfigs,
  }),
  api({
    key: 35,
    name: 'DescribeLogDirs',
    min: 1,
    max: 4,
    scheduling: 'inline',
    request: describeLogDirsRequest,
    response: describeLogDirsResponse,
    handler: handleDescribeLogDirs,
  }),
  api({
    key: 37,
    name: 'CreatePartitions',
    min: 0,
    max: 3,
    scheduling: 'inline',
    request: topicAdmin.createPartitionsRequest,
    response: topicAdmin.createPartitionsResponse,
    handler: handleCreatePartitions,
  }),
  api({
    key: 42,
    name: 'DeleteGroups',
    min: 0,
    max: 2,
    scheduling: 'inline',
    request: groupAdmin.deleteGroupsRequest,
    response: groupAdmin.deleteGroupsResponse,
    handler: handleDeleteGroups,
  }),
  api({
    key: 60,
    name: 'DescribeCluster',
    min: 0,
    max: 2,
    scheduling: 'inline',
    request: describeClusterRequest,
    response: describeClusterResponse,
    handler: handleDescribeCluster,
  }),
]

export const apiByKey: ReadonlyMap<number, Api> = new Map(apis.map((row) => [row.key, row]))
