/** JoinGroup: who is admitted, under which id, and whether the group must rebalance for it. */
import { errorCode } from '../protocol/error-codes.ts'
import { type Draft, findMember, memberOfInstance } from './draft.ts'
import type { Group, GroupRules, Join, Member } from './group.ts'
import {
  beginRebalance,
  commonProtocols,
  completeIfAllJoined,
  joinedAs,
  metadataOf,
  selectProtocol,
} from './rebalance.ts'
import { sameSubscription } from './subscription.ts'

const NO_ASSIGNMENT = Buffer.alloc(0)

/** A member wants in, or comes back with another subscription: begins a rebalance where one is needed. */
export function join(draft: Draft, event: Join): void {
  const fault = faultOfJoin(draft.group, event, draft.rules)
  if (fault !== errorCode.NONE) {
    draft.refuseJoin(event.ticket, fault, event.memberId)
    return
  }
  if (event.memberId === '') joinWithoutId(draft, event)
  else joinWithId(draft, event)
}

function faultOfJoin(group: Group, event: Join, rules: GroupRules): number {
  if (event.sessionTimeoutMs < rules.sessionTimeoutMsMin || event.sessionTimeoutMs > rules.sessionTimeoutMsMax) {
    return errorCode.INVALID_SESSION_TIMEOUT
  }
  if (event.protocolType === '' || event.protocols.length === 0) return errorCode.INCONSISTENT_GROUP_PROTOCOL
  const others = [...group.members.values()].filter(({ memberId }) => memberId !== event.memberId)
  if (others.length > 0) {
    if (event.protocolType !== group.protocolType) return errorCode.INCONSISTENT_GROUP_PROTOCOL
    const common = commonProtocols(others)
    if (!event.protocols.some(({ name }) => common.has(name))) return errorCode.INCONSISTENT_GROUP_PROTOCOL
  }
  const isNew = !group.members.has(event.memberId) && !group.pending.has(event.memberId)
  const returns = event.groupInstanceId !== null && memberOfInstance(group, event.groupInstanceId) !== undefined
  if (isNew && !returns && group.members.size + group.pending.size >= rules.membersMax) {
    return errorCode.GROUP_MAX_SIZE_REACHED
  }
  return errorCode.NONE
}

function joinWithoutId(draft: Draft, event: Join): void {
  if (event.groupInstanceId === null) {
    if (event.memberIdRequired) {
      draft.setPending(event.newMemberId, true)
      draft.timer(`pending:${event.newMemberId}`, event.sessionTimeoutMs)
      draft.refuseJoin(event.ticket, errorCode.MEMBER_ID_REQUIRED, event.newMemberId)
      return
    }
    admit(draft, event, event.newMemberId)
    return
  }
  const former = memberOfInstance(draft.group, event.groupInstanceId)
  if (former === undefined) admit(draft, event, event.newMemberId)
  else replaceStatic(draft, event, former)
}

function joinWithId(draft: Draft, event: Join): void {
  if (event.groupInstanceId === null && draft.group.pending.has(event.memberId)) {
    draft.setPending(event.memberId, false)
    admit(draft, event, event.memberId)
    return
  }
  const member = findMember(draft.group, event)
  if (typeof member === 'number') {
    draft.refuseJoin(event.ticket, member, event.memberId)
    return
  }
  const changed = !sameProtocols(member, event)
  const { phase, leaderId } = draft.group
  const mustRebalance =
    phase === 'PreparingRebalance' || changed || (phase === 'Stable' && member.memberId === leaderId)
  if (!mustRebalance) {
    // The answer to its last JoinGroup was lost, or a follower asks again: nothing changes.
    draft.answer({ of: 'join', ticket: event.ticket, join: joinedAs(draft.group, member.memberId, false) })
    draft.touch(member)
    return
  }
  if (member.joining !== null) {
    draft.refuseJoin(member.joining, errorCode.REBALANCE_IN_PROGRESS, member.memberId)
  }
  park(draft, event, member)
}

function admit(draft: Draft, event: Join, memberId: string): void {
  if (draft.group.members.size === 0) draft.set({ protocolType: event.protocolType })
  const member: Member = {
    memberId,
    groupInstanceId: event.groupInstanceId,
    clientId: event.clientId,
    clientHost: event.clientHost,
    sessionTimeoutMs: event.sessionTimeoutMs,
    rebalanceTimeoutMs: event.rebalanceTimeoutMs,
    protocols: event.protocols,
    assignment: NO_ASSIGNMENT,
    joining: event.ticket,
    syncing: null,
    synced: false,
  }
  draft.setMember(member)
  draft.timer(`session:${memberId}`, draft.rules.newMemberJoinTimeoutMs)
  beginRebalance(draft)
}

/** The member waits for the rebalance that this JoinGroup starts or takes part in; waiting counts as a heartbeat. */
function park(draft: Draft, event: Join, member: Member): void {
  const waiting = { ...member, ...described(event), joining: event.ticket }
  draft.setMember(waiting)
  draft.timer(`session:${member.memberId}`, null)
  if (draft.group.phase === 'PreparingRebalance') completeIfAllJoined(draft)
  else beginRebalance(draft)
}

/**
 * A static member came back without its member id: it was restarted. It gets a new id, the old one is fenced, and it
 * keeps its assignment. The group rebalances only if it must: Apache Kafka does so when the chosen protocol changes,
 * we do so too when the member now subscribes to other topics, which Kafka leaves for the leader to find out.
 */
function replaceStatic(draft: Draft, event: Join, former: Member): void {
  draft.refuseWaiting(former, errorCode.FENCED_INSTANCE_ID)
  const wasLeader = draft.group.leaderId === former.memberId
  const formerLeaderId = draft.group.leaderId
  const renewed: Member = {
    ...former,
    ...described(event),
    memberId: event.newMemberId,
    joining: null,
    syncing: null,
  }
  // In its old place: the order of members must not depend on restarts.
  const members = new Map(
    [...draft.group.members].map(([id, member]) =>
      id === former.memberId ? [renewed.memberId, renewed] : [id, member],
    ),
  )
  draft.set({ members, leaderId: wasLeader ? renewed.memberId : formerLeaderId })
  draft.timer(`session:${former.memberId}`, null)
  draft.touch(renewed)

  const { protocolName } = draft.group
  const before = metadataOf(former, protocolName)
  const after = metadataOf(renewed, protocolName)
  const nothingChanged =
    draft.group.phase === 'Stable' &&
    selectProtocol(draft.group) === protocolName &&
    before !== undefined &&
    after !== undefined &&
    sameSubscription(before, after)
  if (!nothingChanged) {
    park(draft, event, renewed)
    return
  }
  const answer = event.maySkipAssignment
    ? joinedAs(draft.group, renewed.memberId, wasLeader)
    : // Below version 9 a leader cannot be told to skip the assignment, so it is not told that it leads.
      { ...joinedAs(draft.group, renewed.memberId, false), leaderId: formerLeaderId ?? '', members: [] }
  draft.persist([{ of: 'join', ticket: event.ticket, join: answer }])
}

function described(event: Join) {
  return {
    clientId: event.clientId,
    clientHost: event.clientHost,
    sessionTimeoutMs: event.sessionTimeoutMs,
    rebalanceTimeoutMs: event.rebalanceTimeoutMs,
    protocols: event.protocols,
  }
}

function sameProtocols(member: Member, event: Join): boolean {
  return (
    member.protocols.length === event.protocols.length &&
    member.protocols.every((protocol, index) => {
      const other = event.protocols[index]
      return other !== undefined && other.name === protocol.name && other.metadata.equals(protocol.metadata)
    })
  )
}
