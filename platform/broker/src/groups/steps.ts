/** The transition function of a consumer group. Pure: time comes in as `now`, what must happen goes out as effects. */
import { errorCode } from '../protocol/error-codes.ts'
import { Draft, findMember, memberOfInstance } from './draft.ts'
import {
  type Answer,
  defaultGroupRules,
  type Expiry,
  type Group,
  type GroupEvent,
  type GroupRules,
  type Heartbeat,
  type Identity,
  type Leave,
  type Member,
  type Step,
  type Sync,
  type SyncAnswer,
} from './group.ts'
import { join } from './join.ts'
import { beginRebalance, completeIfAllJoined, completeRebalance } from './rebalance.ts'

const NO_ASSIGNMENT = Buffer.alloc(0)

/** `now` in milliseconds of any clock that never goes back; timers are given in the same clock. */
export function step(group: Group, event: GroupEvent, now: number, rules: GroupRules = defaultGroupRules): Step {
  const draft = new Draft(group, now, rules)
  switch (event.kind) {
    case 'join':
      join(draft, event)
      break
    case 'sync':
      sync(draft, event)
      break
    case 'heartbeat':
      heartbeat(draft, event)
      break
    case 'leave':
      leave(draft, event)
      break
    case 'expiry':
      expire(draft, event)
      break
  }
  return draft.finish()
}

function sync(draft: Draft, event: Sync): void {
  const { group } = draft
  const member = findMember(group, event)
  const fault = typeof member === 'number' ? member : faultOfSync(group, event)
  if (typeof member === 'number' || fault !== errorCode.NONE) {
    draft.refuseSync(event.ticket, fault)
    return
  }
  if (group.phase === 'Stable') {
    draft.setMember({ ...member, synced: true })
    draft.touch(member)
    draft.answer(assigned(group, event.ticket, member))
    if (everyoneSynced(draft.group)) draft.timer('sync', null)
    return
  }
  if (member.syncing !== null) draft.refuseSync(member.syncing, errorCode.REBALANCE_IN_PROGRESS)
  draft.setMember({ ...member, syncing: event.ticket, synced: true })
  draft.timer(`session:${member.memberId}`, null)
  if (member.memberId === group.leaderId) distribute(draft, event.assignments)
}

function faultOfSync(group: Group, event: Sync): number {
  if (event.generation !== group.generation) return errorCode.ILLEGAL_GENERATION
  if (event.protocolType !== null && event.protocolType !== group.protocolType) {
    return errorCode.INCONSISTENT_GROUP_PROTOCOL
  }
  if (event.protocolName !== null && event.protocolName !== group.protocolName) {
    return errorCode.INCONSISTENT_GROUP_PROTOCOL
  }
  if (group.phase === 'PreparingRebalance') return errorCode.REBALANCE_IN_PROGRESS
  return errorCode.NONE
}

/** The leader has decided. Its assignment is made durable before anybody hears of it. */
function distribute(draft: Draft, assignments: ReadonlyMap<string, Buffer>): void {
  const answers: Answer[] = []
  const group = draft.group
  for (const member of group.members.values()) {
    const assignment = assignments.get(member.memberId) ?? NO_ASSIGNMENT
    const settled = { ...member, assignment, syncing: null }
    draft.setMember(settled)
    if (member.syncing === null) continue
    answers.push(assigned(group, member.syncing, settled))
    draft.touch(member)
  }
  draft.set({ phase: 'Stable' })
  if (everyoneSynced(draft.group)) draft.timer('sync', null)
  draft.persist(answers)
}

function assigned(group: Group, ticket: number, member: Member): Answer {
  const sync: SyncAnswer = {
    errorCode: errorCode.NONE,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    assignment: member.assignment,
  }
  return { of: 'sync', ticket, sync }
}

function everyoneSynced(group: Group): boolean {
  for (const member of group.members.values()) if (!member.synced) return false
  return true
}

function heartbeat(draft: Draft, event: Heartbeat): void {
  draft.answer({ of: 'heartbeat', ticket: event.ticket, errorCode: heartbeatCode(draft, event) })
}

function heartbeatCode(draft: Draft, event: Heartbeat): number {
  const member = findMember(draft.group, event)
  if (typeof member === 'number') return member
  if (event.generation !== draft.group.generation) return errorCode.ILLEGAL_GENERATION
  // While a JoinGroup or SyncGroup waits, its session does not run.
  if (member.joining === null && member.syncing === null) draft.touch(member)
  return draft.group.phase === 'PreparingRebalance' ? errorCode.REBALANCE_IN_PROGRESS : errorCode.NONE
}

function leave(draft: Draft, event: Leave): void {
  let left = false
  const members = event.members.map((identity) => {
    const code = leaveOne(draft, identity)
    left ||= code === errorCode.NONE
    return { memberId: identity.memberId, groupInstanceId: identity.groupInstanceId, errorCode: code }
  })
  draft.answer({ of: 'leave', ticket: event.ticket, members })
  if (left) afterLoss(draft)
}

function leaveOne(draft: Draft, identity: Identity): number {
  const { memberId, groupInstanceId } = identity
  if (groupInstanceId === null && draft.group.pending.has(memberId)) {
    draft.setPending(memberId, false)
    return errorCode.NONE
  }
  // An administrator removes a static member by its instance id alone (KIP-345).
  const member =
    groupInstanceId !== null && memberId === ''
      ? (memberOfInstance(draft.group, groupInstanceId) ?? errorCode.UNKNOWN_MEMBER_ID)
      : findMember(draft.group, identity)
  if (typeof member === 'number') return member
  remove(draft, member)
  return errorCode.NONE
}

function expire(draft: Draft, { timer }: Expiry): void {
  if (timer === 'rebalance') {
    if (draft.group.phase === 'PreparingRebalance') completeRebalance(draft)
    return
  }
  if (timer === 'sync') {
    const late = [...draft.group.members.values()].filter(({ synced }) => !synced)
    if (draft.group.phase === 'PreparingRebalance' || draft.group.phase === 'Empty' || late.length === 0) return
    for (const member of late) remove(draft, member)
    afterLoss(draft)
    return
  }
  const memberId = timer.slice(timer.indexOf(':') + 1)
  if (timer.startsWith('pending:')) {
    if (!draft.group.pending.has(memberId)) return
    draft.setPending(memberId, false)
  } else {
    const member = draft.group.members.get(memberId)
    if (member === undefined) return
    remove(draft, member)
  }
  afterLoss(draft)
}

function remove(draft: Draft, member: Member): void {
  draft.refuseWaiting(member, errorCode.UNKNOWN_MEMBER_ID)
  draft.forgetMember(member.memberId)
}

/** Somebody is gone. If it was only a pending id, the rest may now be complete; else its partitions need an owner. */
function afterLoss(draft: Draft): void {
  const { phase } = draft.group
  if (phase === 'PreparingRebalance') completeIfAllJoined(draft)
  else if (phase !== 'Empty' && draft.lostMember) beginRebalance(draft)
}
