import { array, bool, bytes, int16, int32, message, string } from '../schema.ts'

const groupInstanceId = (since: number) => string({ since, nullableSince: since, default: null })
const throttleTimeMs = (since: number) => int32({ since, default: 0 })

export const joinGroupRequest = message('JoinGroupRequest', 6, {
  groupId: string(),
  sessionTimeoutMs: int32(),
  /** -1 (version 0): the session timeout. */
  rebalanceTimeoutMs: int32({ since: 1, default: -1 }),
  memberId: string(),
  groupInstanceId: groupInstanceId(5),
  protocolType: string(),
  protocols: array({ name: string(), metadata: bytes() }),
  reason: string({ since: 8, nullableSince: 8, default: null }),
})

export const joinGroupResponse = message('JoinGroupResponse', 6, {
  throttleTimeMs: throttleTimeMs(2),
  errorCode: int16(),
  generationId: int32({ default: -1 }),
  protocolType: string({ since: 7, nullableSince: 7, default: null }),
  protocolName: string({ nullableSince: 7 }),
  leader: string(),
  skipAssignment: bool({ since: 9, default: false }),
  memberId: string(),
  members: array({ memberId: string(), groupInstanceId: groupInstanceId(5), metadata: bytes() }),
})

export const syncGroupRequest = message('SyncGroupRequest', 4, {
  groupId: string(),
  generationId: int32(),
  memberId: string(),
  groupInstanceId: groupInstanceId(3),
  protocolType: string({ since: 5, nullableSince: 5, default: null }),
  protocolName: string({ since: 5, nullableSince: 5, default: null }),
  assignments: array({ memberId: string(), assignment: bytes() }),
})

export const syncGroupResponse = message('SyncGroupResponse', 4, {
  throttleTimeMs: throttleTimeMs(1),
  errorCode: int16(),
  protocolType: string({ since: 5, nullableSince: 5, default: null }),
  protocolName: string({ since: 5, nullableSince: 5, default: null }),
  assignment: bytes(),
})

export const heartbeatRequest = message('HeartbeatRequest', 4, {
  groupId: string(),
  generationId: int32(),
  memberId: string(),
  groupInstanceId: groupInstanceId(3),
})

export const heartbeatResponse = message('HeartbeatResponse', 4, {
  throttleTimeMs: throttleTimeMs(1),
  errorCode: int16(),
})

export const leaveGroupRequest = message('LeaveGroupRequest', 4, {
  groupId: string(),
  memberId: string({ until: 2 }),
  members: array(
    {
      memberId: string(),
      groupInstanceId: groupInstanceId(3),
      reason: string({ since: 5, nullableSince: 5, default: null }),
    },
    { since: 3, default: [] },
  ),
})

export const leaveGroupResponse = message('LeaveGroupResponse', 4, {
  throttleTimeMs: throttleTimeMs(1),
  errorCode: int16(),
  members: array(
    { memberId: string(), groupInstanceId: string({ nullableSince: 3 }), errorCode: int16() },
    { since: 3, default: [] },
  ),
})
