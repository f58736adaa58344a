/**
 * One step in the making: the group as it becomes, and the effects so far. It lives for the length of one call of
 * `step`; callers see plain values before and after.
 */
import { errorCode } from '../protocol/error-codes.ts'
import type {
  Answer,
  Effect,
  Group,
  GroupRules,
  Identity,
  JoinAnswer,
  Member,
  Step,
  Ticket,
  TimerName,
} from './group.ts'

export class Draft {
  group: Group
  readonly now: number
  readonly rules: GroupRules
  /** Whether a member (not a mere pending id) was taken out in this step. */
  lostMember = false
  readonly #effects: Effect[] = []

  constructor(group: Group, now: number, rules: GroupRules) {
    this.group = group
    this.now = now
    this.rules = rules
  }

  finish(): Step {
    return { group: this.group, effects: this.#effects }
  }

  set(change: Partial<Group>): void {
    this.group = { ...this.group, ...change }
  }

  setMember(member: Member): void {
    this.set({ members: new Map(this.group.members).set(member.memberId, member) })
  }

  setAllMembers(change: (member: Member) => Member): void {
    this.set({ members: new Map([...this.group.members].map(([id, member]) => [id, change(member)])) })
  }

  forgetMember(memberId: string): void {
    const members = new Map(this.group.members)
    this.lostMember = members.delete(memberId) || this.lostMember
    this.set({ members })
    this.timer(`session:${memberId}`, null)
  }

  setPending(memberId: string, isPending: boolean): void {
    const pending = new Set(this.group.pending)
    if (isPending) pending.add(memberId)
    else pending.delete(memberId)
    this.set({ pending })
    if (!isPending) this.timer(`pending:${memberId}`, null)
  }

  timer(timer: TimerName, afterMs: number | null): void {
    this.#effects.push({ kind: 'timer', timer, dueAt: afterMs === null ? null : this.now + afterMs })
  }

  /** The member showed that it lives. */
  touch(member: Member): void {
    this.timer(`session:${member.memberId}`, member.sessionTimeoutMs)
  }

  answer(answer: Answer): void {
    this.#effects.push({ kind: 'answer', answer })
  }

  persist(then: readonly Answer[]): void {
    this.#effects.push({ kind: 'persist', group: this.group, then })
  }

  refuseJoin(ticket: Ticket, code: number, memberId: string): void {
    this.answer({ of: 'join', ticket, join: refusedJoin(code, memberId) })
  }

  refuseSync(ticket: Ticket, code: number): void {
    this.answer({
      of: 'sync',
      ticket,
      sync: { errorCode: code, protocolType: null, protocolName: null, assignment: Buffer.alloc(0) },
    })
  }

  /** Answers what the member waits for with an error, so that no connection hangs on it. */
  refuseWaiting(member: Member, code: number): void {
    if (member.joining !== null) this.refuseJoin(member.joining, code, member.memberId)
    if (member.syncing !== null) this.refuseSync(member.syncing, code)
  }
}

/**
 * The answer to a JoinGroup that is refused.
 * @param code of Kafka's error table
 */
export function refusedJoin(code: number, memberId: string): JoinAnswer {
  return {
    errorCode: code,
    generation: -1,
    protocolType: null,
    protocolName: null,
    leaderId: '',
    memberId,
    skipAssignment: false,
    members: [],
  }
}

/** The member with that `group.instance.id` (static membership, KIP-345), if there is one. */
export function memberOfInstance(group: Group, groupInstanceId: string): Member | undefined {
  for (const member of group.members.values()) if (member.groupInstanceId === groupInstanceId) return member
  return undefined
}

/** Finds the member that a request names, or the error code for it (KIP-345: an instance id fences older members). */
export function findMember(group: Group, { memberId, groupInstanceId }: Identity): Member | number {
  if (groupInstanceId !== null) {
    const holder = memberOfInstance(group, groupInstanceId)
    if (holder === undefined) return errorCode.UNKNOWN_MEMBER_ID
    return holder.memberId === memberId ? holder : errorCode.FENCED_INSTANCE_ID
  }
  return group.members.get(memberId) ?? errorCode.UNKNOWN_MEMBER_ID
}
