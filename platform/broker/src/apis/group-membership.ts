/**
 * JoinGroup, SyncGroup, Heartbeat, LeaveGroup (keys 11, 14, 12, 13): the classic consumer group protocol.
 *
 * Promises what groups/group.ts describes. An assignment is durable before any member hears of it, so a group lives on
 * through a restart of the broker without a rebalance, as long as its members come back within their session timeouts.
 * Versions: JoinGroup 4 makes a new dynamic member come back with the id it was given (KIP-394), 5 adds static members
 * (KIP-345), 9 lets a returning static leader skip the assignment (KIP-814); SyncGroup 5 names the protocol;
 * LeaveGroup 3 takes several members.
 * Absent: the protocol of KIP-848 (key 68); a group's deletion by time, as offsets don't expire here.
 */
import type { Broker, Caller } from '../broker.ts'
import { refusedJoin } from '../groups/draft.ts'
import { ownCopy } from '../log/own-copy.ts'
import { errorCode } from '../protocol/error-codes.ts'
import * as messages from '../protocol/messages/group-membership.ts'
import type { DecodedMessage, EncodableMessage } from '../protocol/schema.ts'
import { api } from './api.ts'

const MEMBER_ID_REQUIRED_SINCE = 4
const NULLABLE_PROTOCOL_SINCE = 7
const SKIP_ASSIGNMENT_SINCE = 9
const LEAVE_BATCHED_SINCE = 3
const GROUP_ID_LENGTH_MAX = 255

/** A group id is part of a record key, so its length has a limit. */
export function faultOfGroupId(groupId: string): number {
  return groupId === '' || groupId.length > GROUP_ID_LENGTH_MAX ? errorCode.INVALID_GROUP_ID : errorCode.NONE
}

export const joinGroupApi = api({
  key: 11,
  name: 'JoinGroup',
  min: 0,
  max: 9,
  scheduling: 'parked',
  request: messages.joinGroupRequest,
  response: messages.joinGroupResponse,
  handler: handleJoinGroup,
})

/** JoinGroup (11): the answer comes when the rebalance is complete. */
async function handleJoinGroup(
  broker: Broker,
  caller: Caller,
  request: DecodedMessage<typeof messages.joinGroupRequest>,
): Promise<EncodableMessage<typeof messages.joinGroupResponse>> {
  const fault = faultOfGroupId(request.groupId)
  const answer =
    fault !== errorCode.NONE
      ? refusedJoin(fault, request.memberId)
      : await broker.groups.join(request.groupId, {
          memberId: request.memberId,
          groupInstanceId: request.groupInstanceId,
          clientId: caller.clientId,
          clientHost: caller.host,
          sessionTimeoutMs: request.sessionTimeoutMs,
          rebalanceTimeoutMs: request.rebalanceTimeoutMs < 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
          protocolType: request.protocolType,
          // The request's memory is not kept: a group may live long.
          protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: ownCopy(metadata) })),
          newMemberId: `${request.groupInstanceId ?? caller.clientId}-${broker.newId()}`,
          memberIdRequired: caller.apiVersion >= MEMBER_ID_REQUIRED_SINCE,
          maySkipAssignment: caller.apiVersion >= SKIP_ASSIGNMENT_SINCE,
        })
  return {
    errorCode: answer.errorCode,
    generationId: answer.generation,
    protocolType: answer.protocolType,
    protocolName: answer.protocolName ?? (caller.apiVersion < NULLABLE_PROTOCOL_SINCE ? '' : null),
    leader: answer.leaderId,
    skipAssignment: answer.skipAssignment,
    memberId: answer.memberId,
    members: answer.members,
  }
}

export const syncGroupApi = api({
  key: 14,
  name: 'SyncGroup',
  min: 0,
  max: 5,
  scheduling: 'parked',
  request: messages.syncGroupRequest,
  response: messages.syncGroupResponse,
  handler: handleSyncGroup,
})

/** SyncGroup (14): the leader's assignment for everybody; the others wait for it. */
async function handleSyncGroup(
  broker: Broker,
  _caller: Caller,
  request: DecodedMessage<typeof messages.syncGroupRequest>,
): Promise<EncodableMessage<typeof messages.syncGroupResponse>> {
  return await broker.groups.sync(request.groupId, {
    memberId: request.memberId,
    groupInstanceId: request.groupInstanceId,
    generation: request.generationId,
    protocolType: request.protocolType,
    protocolName: request.protocolName,
    assignments: new Map(request.assignments.map(({ memberId, assignment }) => [memberId, ownCopy(assignment)])),
  })
}

export const heartbeatApi = api({
  key: 12,
  name: 'Heartbeat',
  min: 0,
  max: 4,
  scheduling: 'inline',
  request: messages.heartbeatRequest,
  response: messages.heartbeatResponse,
  handler: handleHeartbeat,
})

/** Heartbeat (12): keeps a member, and lets it know of a rebalance. */
async function handleHeartbeat(
  broker: Broker,
  _caller: Caller,
  request: DecodedMessage<typeof messages.heartbeatRequest>,
): Promise<EncodableMessage<typeof messages.heartbeatResponse>> {
  const { memberId, groupInstanceId, generationId: generation } = request
  return { errorCode: await broker.groups.heartbeat(request.groupId, { memberId, groupInstanceId, generation }) }
}

export const leaveGroupApi = api({
  key: 13,
  name: 'LeaveGroup',
  min: 0,
  max: 5,
  scheduling: 'inline',
  request: messages.leaveGroupRequest,
  response: messages.leaveGroupResponse,
  handler: handleLeaveGroup,
})

/** LeaveGroup (13): members go at once, without waiting for their session to end. */
async function handleLeaveGroup(
  broker: Broker,
  caller: Caller,
  request: DecodedMessage<typeof messages.leaveGroupRequest>,
): Promise<EncodableMessage<typeof messages.leaveGroupResponse>> {
  if (caller.apiVersion < LEAVE_BATCHED_SINCE) {
    const [left] = await broker.groups.leave(request.groupId, [{ memberId: request.memberId, groupInstanceId: null }])
    return { errorCode: left?.errorCode ?? errorCode.UNKNOWN_MEMBER_ID }
  }
  const members = request.members.map(({ memberId, groupInstanceId }) => ({ memberId, groupInstanceId }))
  return { errorCode: errorCode.NONE, members: await broker.groups.leave(request.groupId, members) }
}
