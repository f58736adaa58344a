/**
 * What is known of one consumer group (classic protocol), and what happens to it. The rules are in steps.ts and
 * rebalance.ts: pure functions of (state, event, now) → (state, effects).
 *
 * ```text
 *            first join                 all joined, or time is up        leader's assignment
 *   Empty ───────────────▶ Preparing ───────────────────────────▶ Completing ─────────────▶ Stable
 *     ▲                    │   ▲ ▲                                  │                         │
 *     └── nobody is left ──┘   │ └──── join, leave, expiry ─────────┘                         │
 *                              └──────── join, leave, expiry, leader joins again ─────────────┘
 * ```
 *
 * Sources: Apache Kafka's protocol guide ("Group Membership API"), KIP-62 (rebalance timeout), KIP-345 (static
 * members), KIP-394 (member id required), KIP-559 (protocol type and name), KIP-814 (skipped assignment).
 */

/** The names are those that DescribeGroups answers. */
export type Phase = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable'

/** Stands for a request that waits for its answer. Only the coordinator knows what is behind it. */
export type Ticket = number

export interface Protocol {
  readonly name: string
  readonly metadata: Buffer
}

export interface Member {
  readonly memberId: string
  /** Set for a static member. */
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** In the member's order of preference. */
  readonly protocols: readonly Protocol[]
  readonly assignment: Buffer
  /** A JoinGroup that waits for the rebalance to complete. */
  readonly joining: Ticket | null
  /** A SyncGroup that waits for the leader's assignment. */
  readonly syncing: Ticket | null
  /** False from the answer to its JoinGroup until its SyncGroup. */
  readonly synced: boolean
}

export interface Group {
  readonly groupId: string
  readonly phase: Phase
  readonly generation: number
  readonly protocolType: string | null
  /** Chosen when a rebalance completes. */
  readonly protocolName: string | null
  readonly leaderId: string | null
  /** In the order of joining. */
  readonly members: ReadonlyMap<string, Member>
  /** Member ids given out with MEMBER_ID_REQUIRED and not yet used. */
  readonly pending: ReadonlySet<string>
  /** The first rebalance of an empty group waits for more members, however many have joined. */
  readonly isGathering: boolean
}

/** A group without members, in generation 0. */
export function emptyGroup(groupId: string): Group {
  return {
    groupId,
    phase: 'Empty',
    generation: 0,
    protocolType: null,
    protocolName: null,
    leaderId: null,
    members: new Map(),
    pending: new Set(),
    isGathering: false,
  }
}

/** Who says it: the three fields by which every request of a member is judged. */
export interface Identity {
  readonly memberId: string
  readonly groupInstanceId: string | null
}

export interface Join extends Identity {
  readonly kind: 'join'
  readonly ticket: Ticket
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  readonly protocols: readonly Protocol[]
  /** The id to give when the request carries none; random, made by the caller. */
  readonly newMemberId: string
  /** From JoinGroup version 4 on: a dynamic member must come back with the id it was given (KIP-394). */
  readonly memberIdRequired: boolean
  /** From version 9 on: a returning leader may be told to keep the assignment (KIP-814). */
  readonly maySkipAssignment: boolean
}

export interface Sync extends Identity {
  readonly kind: 'sync'
  readonly ticket: Ticket
  readonly generation: number
  /** null below version 5. */
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignments: ReadonlyMap<string, Buffer>
}

export interface Heartbeat extends Identity {
  readonly kind: 'heartbeat'
  readonly ticket: Ticket
  readonly generation: number
}

export interface Leave {
  readonly kind: 'leave'
  readonly ticket: Ticket
  readonly members: readonly Identity[]
}

export interface Expiry {
  readonly kind: 'expiry'
  readonly timer: TimerName
}

export type GroupEvent = Join | Sync | Heartbeat | Leave | Expiry

export type TimerName = 'rebalance' | 'sync' | `session:${string}` | `pending:${string}`

export interface JoinAnswer {
  readonly errorCode: number
  readonly generation: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leaderId: string
  readonly memberId: string
  readonly skipAssignment: boolean
  /** Everyone, for the leader; empty for the others. */
  readonly members: readonly (Identity & { readonly metadata: Buffer })[]
}

export interface SyncAnswer {
  readonly errorCode: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignment: Buffer
}

export type Answer =
  | { readonly of: 'join'; readonly ticket: Ticket; readonly join: JoinAnswer }
  | { readonly of: 'sync'; readonly ticket: Ticket; readonly sync: SyncAnswer }
  | { readonly of: 'heartbeat'; readonly ticket: Ticket; readonly errorCode: number }
  | {
      readonly of: 'leave'
      readonly ticket: Ticket
      readonly members: readonly (Identity & { readonly errorCode: number })[]
    }

export type Effect =
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** Fire this expiry at `dueAt` (milliseconds, the clock of `now`); replaces an earlier one. null: never. */
  | { readonly kind: 'timer'; readonly timer: TimerName; readonly dueAt: number | null }
  /** Make the group as it is now durable, then give these answers. */
  | { readonly kind: 'persist'; readonly group: Group; readonly then: readonly Answer[] }

export interface Step {
  readonly group: Group
  readonly effects: readonly Effect[]
}

export interface GroupRules {
  readonly sessionTimeoutMsMin: number
  readonly sessionTimeoutMsMax: number
  readonly membersMax: number
  /** How long a member's first JoinGroup may wait before the member is given up. */
  readonly newMemberJoinTimeoutMs: number
  /** How long an empty group waits for more members before its first rebalance completes. */
  readonly initialRebalanceDelayMs: number
}

/** Apache Kafka's defaults but for the initial delay, which is 3 s there. */
export const defaultGroupRules: GroupRules = Object.freeze({
  sessionTimeoutMsMin: 6_000,
  sessionTimeoutMsMax: 1_800_000,
  membersMax: 1_000,
  newMemberJoinTimeoutMs: 300_000,
  initialRebalanceDelayMs: 0,
})
