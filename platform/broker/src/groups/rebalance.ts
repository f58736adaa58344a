/** How a rebalance begins, completes, and what it decides: leader, protocol, generation. */
import { errorCode } from '../protocol/error-codes.ts'
import type { Draft } from './draft.ts'
import type { Group, JoinAnswer, Member } from './group.ts'

const NO_ASSIGNMENT = Buffer.alloc(0)

/** Members must join again. Those who wait for an assignment are told so at once. */
export function beginRebalance(draft: Draft): void {
  const { group, rules } = draft
  if (group.phase === 'PreparingRebalance') {
    completeIfAllJoined(draft)
    return
  }
  const wasEmpty = group.phase === 'Empty'
  for (const member of group.members.values()) {
    if (member.syncing === null) continue
    draft.refuseSync(member.syncing, errorCode.REBALANCE_IN_PROGRESS)
    draft.touch(member)
  }
  draft.setAllMembers((member) => ({
    ...member,
    syncing: null,
    assignment: group.phase === 'CompletingRebalance' ? NO_ASSIGNMENT : member.assignment,
  }))
  draft.timer('sync', null)
  const isGathering = wasEmpty && rules.initialRebalanceDelayMs > 0
  draft.set({ phase: 'PreparingRebalance', isGathering })
  draft.timer('rebalance', isGathering ? rules.initialRebalanceDelayMs : rebalanceTimeoutMs(draft.group))
  completeIfAllJoined(draft)
}

/** Ends the rebalance when every member has joined again; until then it does nothing. */
export function completeIfAllJoined(draft: Draft): void {
  const { group } = draft
  if (group.phase !== 'PreparingRebalance' || group.isGathering || group.pending.size > 0) return
  for (const member of group.members.values()) if (member.joining === null) return
  completeRebalance(draft)
}

/**
 * Starts the next generation with those who have joined. A dynamic member that has not is dropped; a static one keeps
 * its place until its session ends (KIP-345).
 */
export function completeRebalance(draft: Draft): void {
  draft.set({ isGathering: false })
  for (const member of draft.group.members.values()) {
    if (member.joining === null && member.groupInstanceId === null) draft.forgetMember(member.memberId)
  }
  const members = [...draft.group.members.values()]
  if (members.length === 0) {
    draft.timer('rebalance', null)
    draft.set({
      phase: 'Empty',
      generation: draft.group.generation + 1,
      protocolName: null,
      leaderId: null,
    })
    draft.persist([])
    return
  }
  const leader = electLeader(draft.group)
  if (leader === null) {
    // Only static members are left and none has come back: wait on, their sessions decide.
    draft.timer('rebalance', rebalanceTimeoutMs(draft.group))
    return
  }
  draft.timer('rebalance', null)
  draft.set({
    phase: 'CompletingRebalance',
    generation: draft.group.generation + 1,
    protocolName: selectProtocol(draft.group),
    leaderId: leader.memberId,
  })
  draft.timer('sync', rebalanceTimeoutMs(draft.group))
  for (const member of members) {
    if (member.joining !== null) {
      draft.answer({ of: 'join', ticket: member.joining, join: joinedAs(draft.group, member.memberId, false) })
      draft.touch(member)
    }
    draft.setMember({ ...member, joining: null, syncing: null, synced: false })
  }
}

/** The present leader if it has joined again, else the first who has; null when nobody has. */
function electLeader(group: Group): Member | null {
  const present = group.leaderId === null ? undefined : group.members.get(group.leaderId)
  if (present !== undefined && present.joining !== null) return present
  for (const member of group.members.values()) if (member.joining !== null) return member
  return null
}

/** What a member of the present generation is answered. */
export function joinedAs(group: Group, memberId: string, skipAssignment: boolean): JoinAnswer {
  return {
    errorCode: errorCode.NONE,
    generation: group.generation,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leaderId: group.leaderId ?? '',
    memberId,
    skipAssignment,
    members: memberId === group.leaderId ? everyone(group) : [],
  }
}

function everyone(group: Group): JoinAnswer['members'] {
  return [...group.members.values()].map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    metadata: metadataOf(member, group.protocolName) ?? NO_ASSIGNMENT,
  }))
}

/** What a member said in JoinGroup for a protocol; undefined when it doesn't support it. */
export function metadataOf(member: Member, protocolName: string | null): Buffer | undefined {
  return member.protocols.find(({ name }) => name === protocolName)?.metadata
}

/** Each member votes for its first protocol among those that all have; the most votes win, earlier names break ties. */
export function selectProtocol(group: Group): string | null {
  const votes = new Map<string, number>()
  const common = commonProtocols([...group.members.values()])
  for (const member of group.members.values()) {
    const vote = member.protocols.find(({ name }) => common.has(name))?.name
    if (vote !== undefined) votes.set(vote, (votes.get(vote) ?? 0) + 1)
  }
  let winner: string | null = null
  for (const [name, count] of votes) if (winner === null || count > (votes.get(winner) as number)) winner = name
  return winner
}

/** Names of the protocols that every member supports. */
export function commonProtocols(members: readonly Pick<Member, 'protocols'>[]): ReadonlySet<string> {
  const [first, ...others] = members.map(({ protocols }) => new Set(protocols.map(({ name }) => name)))
  if (first === undefined) return new Set()
  return others.reduce((common, names) => common.intersection(names), first)
}

function rebalanceTimeoutMs(group: Group): number {
  let longest = 0
  for (const member of group.members.values()) longest = Math.max(longest, member.rebalanceTimeoutMs)
  return longest
}
