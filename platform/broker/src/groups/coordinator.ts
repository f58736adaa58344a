/**
 * Carries out what the group's rules decide: runs the timers, writes the records, answers those who wait. It decides
 * nothing itself.
 */
import type { Log } from '../log/log.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { findMember, refusedJoin } from './draft.ts'
import {
  type Answer,
  type Effect,
  emptyGroup,
  type Group,
  type GroupEvent,
  type GroupRules,
  type Heartbeat,
  type Identity,
  type Join,
  type JoinAnswer,
  type Leave,
  type Sync,
  type SyncAnswer,
  type TimerName,
} from './group.ts'
import { step } from './steps.ts'
import { deserializeGroup, serializeGroup } from './stored-group.ts'

const KEY_PREFIX = 'group/'

export interface GroupLimits extends GroupRules {
  readonly groupsMax: number
}

interface Running {
  group: Group
  stored: boolean
  readonly timers: Map<TimerName, NodeJS.Timeout>
}

type AnswerOf<Kind extends Answer['of']> = Extract<Answer, { of: Kind }>

export class GroupCoordinator {
  readonly #log: Log
  readonly #limits: GroupLimits
  readonly #now: () => number
  readonly #onFailure: (error: unknown) => void
  readonly #groups = new Map<string, Running>()
  readonly #waiting = new Map<number, { readonly event: GroupEvent; readonly resolve: (answer: Answer) => void }>()
  #nextTicket = 1
  #closed = false

  /** `now`: monotonic milliseconds. `onFailure` hears of group records that could not be written. */
  constructor(log: Log, limits: GroupLimits, now: () => number, onFailure: (error: unknown) => void) {
    this.#log = log
    this.#limits = limits
    this.#now = now
    this.#onFailure = onFailure
    for (const [key, value] of log.internal()) {
      if (!key.startsWith(KEY_PREFIX)) continue
      const group = deserializeGroup(decodeURIComponent(key.slice(KEY_PREFIX.length)), value)
      const running: Running = { group, stored: true, timers: new Map() }
      this.#groups.set(group.groupId, running)
      // Sessions start afresh: the members could not reach us while we were away.
      for (const member of group.members.values()) {
        this.#setTimer(running, `session:${member.memberId}`, now() + member.sessionTimeoutMs)
      }
    }
  }

  async join(groupId: string, event: Omit<Join, 'kind' | 'ticket'>): Promise<JoinAnswer> {
    if (!this.#groups.has(groupId) && this.#groups.size >= this.#limits.groupsMax) {
      return refusedJoin(errorCode.GROUP_MAX_SIZE_REACHED, event.memberId)
    }
    return (await this.#ask<'join'>(groupId, (ticket) => ({ kind: 'join', ticket, ...event }))).join
  }

  async sync(groupId: string, event: Omit<Sync, 'kind' | 'ticket'>): Promise<SyncAnswer> {
    return (await this.#ask<'sync'>(groupId, (ticket) => ({ kind: 'sync', ticket, ...event }))).sync
  }

  async heartbeat(groupId: string, event: Omit<Heartbeat, 'kind' | 'ticket'>): Promise<number> {
    return (await this.#ask<'heartbeat'>(groupId, (ticket) => ({ kind: 'heartbeat', ticket, ...event }))).errorCode
  }

  async leave(groupId: string, members: readonly Identity[]): Promise<AnswerOf<'leave'>['members']> {
    return (await this.#ask<'leave'>(groupId, (ticket): Leave => ({ kind: 'leave', ticket, members }))).members
  }

  get(groupId: string): Group | undefined {
    return this.#groups.get(groupId)?.group
  }

  all(): Iterable<Group> {
    return this.#groups.values().map(({ group }) => group)
  }

  /**
   * Whether a member may commit: the error code. Generation -1 without a member id is a commit from outside the group,
   * taken while the group is empty. A commit counts as a heartbeat.
   */
  mayCommit(groupId: string, identity: Identity, generation: number): number {
    const running = this.#groups.get(groupId)
    if (running === undefined) return generation < 0 ? errorCode.NONE : errorCode.ILLEGAL_GENERATION
    if (running.group.members.size === 0 && generation < 0) return errorCode.NONE
    if (generation < 0 && identity.memberId === '') return errorCode.UNKNOWN_MEMBER_ID
    const member = findMember(running.group, identity)
    if (typeof member === 'number') return member
    if (generation !== running.group.generation) return errorCode.ILLEGAL_GENERATION
    if (running.group.phase === 'CompletingRebalance') return errorCode.REBALANCE_IN_PROGRESS
    if (member.joining === null) {
      this.#setTimer(running, `session:${member.memberId}`, this.#now() + member.sessionTimeoutMs)
    }
    return errorCode.NONE
  }

  /** Forgets an empty group. The caller makes sure that it is one, and deletes its offsets. */
  async forget(groupId: string): Promise<void> {
    const running = this.#groups.get(groupId)
    if (running === undefined) return
    for (const timer of running.timers.values()) clearTimeout(timer)
    this.#groups.delete(groupId)
    if (running.stored) await this.#log.append([{ kind: 'internal', key: keyOf(groupId), value: null }])
  }

  /** Stops all timers. Whoever waits is told to look for the coordinator again. */
  close(): void {
    this.#closed = true
    for (const { timers } of this.#groups.values()) for (const timer of timers.values()) clearTimeout(timer)
    for (const { event } of [...this.#waiting.values()]) {
      if (event.kind === 'join')
        this.#answer({
          of: 'join',
          ticket: event.ticket,
          join: refusedJoin(errorCode.COORDINATOR_NOT_AVAILABLE, event.memberId),
        })
      if (event.kind === 'sync') this.#answer({ of: 'sync', ticket: event.ticket, sync: unavailable })
    }
  }

  #ask<Kind extends Answer['of']>(groupId: string, event: (ticket: number) => GroupEvent): Promise<AnswerOf<Kind>> {
    const ticket = this.#nextTicket++
    const asked = event(ticket)
    return new Promise((resolve) => {
      this.#waiting.set(ticket, { event: asked, resolve: (answer) => resolve(answer as AnswerOf<Kind>) })
      this.#handle(groupId, asked)
    })
  }

  #handle(groupId: string, event: GroupEvent): void {
    const running = this.#groups.get(groupId) ?? { group: emptyGroup(groupId), stored: false, timers: new Map() }
    const { group, effects } = step(running.group, event, this.#now(), this.#limits)
    running.group = group
    const isWorthKeeping = running.stored || group.members.size > 0 || group.pending.size > 0
    if (isWorthKeeping) this.#groups.set(groupId, running)
    else this.#groups.delete(groupId)
    for (const effect of effects) this.#carryOut(running, effect)
  }

  #carryOut(running: Running, effect: Effect): void {
    switch (effect.kind) {
      case 'answer':
        this.#answer(effect.answer)
        break
      case 'timer':
        this.#setTimer(running, effect.timer, effect.dueAt)
        break
      case 'persist':
        running.stored = true
        this.#log
          .append([{ kind: 'internal', key: keyOf(effect.group.groupId), value: serializeGroup(effect.group) }])
          .then(
            () => {
              for (const answer of effect.then) this.#answer(answer)
            },
            (error: unknown) => {
              this.#onFailure(error)
              for (const answer of effect.then) this.#answer(unstored(answer))
            },
          )
        break
    }
  }

  #answer(answer: Answer): void {
    const waiting = this.#waiting.get(answer.ticket)
    this.#waiting.delete(answer.ticket)
    waiting?.resolve(answer)
  }

  #setTimer(running: Running, timer: TimerName, dueAt: number | null): void {
    clearTimeout(running.timers.get(timer))
    running.timers.delete(timer)
    if (dueAt === null || this.#closed) return
    const { groupId } = running.group
    const handle = setTimeout(
      () => {
        running.timers.delete(timer)
        this.#handle(groupId, { kind: 'expiry', timer })
      },
      Math.max(0, dueAt - this.#now()),
    )
    running.timers.set(timer, handle)
  }
}

const unavailable: SyncAnswer = {
  errorCode: errorCode.COORDINATOR_NOT_AVAILABLE,
  protocolType: null,
  protocolName: null,
  assignment: Buffer.alloc(0),
}

/** The group's record could not be written: members ask again, by joining. */
function unstored(answer: Answer): Answer {
  if (answer.of === 'join') {
    return { ...answer, join: refusedJoin(errorCode.COORDINATOR_NOT_AVAILABLE, answer.join.memberId) }
  }
  if (answer.of === 'sync') return { ...answer, sync: unavailable }
  return answer
}

function keyOf(groupId: string): string {
  return KEY_PREFIX + encodeURIComponent(groupId)
}
