/**
 * The APIs of the broker, by key. Dispatch, the ApiVersions answer, metric labels and the README's matrix read this list;
 * there is no other. Each row is in the file of its handler, with what each version changes.
 */
import type { Api } from './api.ts'
import { apiVersionsApi } from './api-versions.ts'
import { describeClusterApi } from './describe-cluster.ts'
import { describeConfigsApi } from './describe-configs.ts'
import { describeLogDirsApi } from './describe-log-dirs.ts'
import { fetchApi } from './fetch.ts'
import { findCoordinatorApi } from './find-coordinator.ts'
import { deleteGroupsApi, describeGroupsApi, listGroupsApi } from './group-admin.ts'
import { heartbeatApi, joinGroupApi, leaveGroupApi, syncGroupApi } from './group-membership.ts'
import { initProducerIdApi } from './init-producer-id.ts'
import { listOffsetsApi } from './list-offsets.ts'
import { metadataApi } from './metadata.ts'
import { offsetForLeaderEpochApi } from './offset-for-leader-epoch.ts'
import { offsetCommitApi, offsetFetchApi } from './offsets.ts'
import { produceApi } from './produce.ts'
import { createPartitionsApi, createTopicsApi, deleteTopicsApi } from './topic-admin.ts'

export const apis: readonly Api[] = [
  produceApi,
  fetchApi,
  listOffsetsApi,
  metadataApi,
  offsetCommitApi,
  offsetFetchApi,
  findCoordinatorApi,
  joinGroupApi,
  heartbeatApi,
  leaveGroupApi,
  syncGroupApi,
  describeGroupsApi,
  listGroupsApi,
  apiVersionsApi(() => apis),
  createTopicsApi,
  deleteTopicsApi,
  initProducerIdApi,
  offsetForLeaderEpochApi,
  describeConfigsApi,
  describeLogDirsApi,
  createPartitionsApi,
  deleteGroupsApi,
  describeClusterApi,
]

export const apiByKey: ReadonlyMap<number, Api> = new Map(apis.map((row) => [row.key, row]))
