/** How a group is kept in the log: JSON, so that it can be read with any tool. Waiting requests are not part of it. */
import type { Group, Member } from './group.ts'

interface StoredMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** Name and base64. */
  readonly protocols: readonly (readonly [string, string])[]
  /** Base64. */
  readonly assignment: string
}

interface StoredGroup {
  readonly format: 1
  readonly generation: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leaderId: string | null
  readonly members: readonly StoredMember[]
}

/** The group as it is stored, with a format number in front of later changes. */
export function serializeGroup(group: Group): Buffer {
  const stored: StoredGroup = {
    format: 1,
    generation: group.generation,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leaderId: group.leaderId,
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      sessionTimeoutMs: member.sessionTimeoutMs,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      protocols: member.protocols.map(({ name, metadata }) => [name, metadata.toString('base64')]),
      assignment: member.assignment.toString('base64'),
    })),
  }
  return Buffer.from(JSON.stringify(stored))
}

/** A group with members comes back Stable: only stable groups, and empty ones, are stored. */
export function deserializeGroup(groupId: string, bytes: Buffer): Group {
  const stored = JSON.parse(bytes.toString('utf8')) as StoredGroup
  if (stored.format !== 1)
    throw new Error(`group ${groupId} is stored in format ${stored.format}; this version knows 1`)
  const members = stored.members.map(
    (member): Member => ({
      ...member,
      protocols: member.protocols.map(([name, metadata]) => ({ name, metadata: Buffer.from(metadata, 'base64') })),
      assignment: Buffer.from(member.assignment, 'base64'),
      joining: null,
      syncing: null,
      synced: true,
    }),
  )
  return {
    groupId,
    phase: members.length > 0 ? 'Stable' : 'Empty',
    generation: stored.generation,
    protocolType: stored.protocolType,
    protocolName: stored.protocolName,
    leaderId: stored.leaderId,
    members: new Map(members.map((member) => [member.memberId, member])),
    pending: new Set(),
    isGathering: false,
  }
}
