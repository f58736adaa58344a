/** For tests: a group in virtual time. */
import assert from 'node:assert/strict'
import {
  type Answer,
  defaultGroupRules,
  type Effect,
  emptyGroup,
  type Group,
  type GroupEvent,
  type GroupRules,
  type Join,
  type JoinAnswer,
  type SyncAnswer,
  type TimerName,
} from './group.ts'
import { step } from './steps.ts'

/** A group in virtual time: says how each request was answered, and fires timers when time passes them. */
export class Scenario {
  group: Group = emptyGroup('orders')
  now = 1_000
  persisted: Group[] = []
  readonly timers = new Map<TimerName, number>()
  readonly #answers = new Map<number, Answer>()
  readonly #rules: GroupRules
  #ticket = 0

  constructor(rules: Partial<GroupRules> = {}) {
    this.#rules = { ...defaultGroupRules, ...rules }
  }

  #apply(event: GroupEvent): void {
    const { group, effects } = step(this.group, event, this.now, this.#rules)
    this.group = group
    for (const effect of effects) this.#carryOut(effect)
  }

  #carryOut(effect: Effect): void {
    if (effect.kind === 'timer') {
      if (effect.dueAt === null) this.timers.delete(effect.timer)
      else this.timers.set(effect.timer, effect.dueAt)
    } else if (effect.kind === 'persist') {
      this.persisted.push(effect.group)
      for (const answer of effect.then) this.#keep(answer)
    } else this.#keep(effect.answer)
  }

  #keep(answer: Answer): void {
    assert.ok(!this.#answers.has(answer.ticket), `ticket ${answer.ticket} is answered twice`)
    this.#answers.set(answer.ticket, answer)
  }

  /** Lets time pass; timers fire in the order they are due. */
  pass(ms: number): void {
    const until = this.now + ms
    for (;;) {
      const [next] = [...this.timers].filter(([, dueAt]) => dueAt <= until).sort((a, b) => a[1] - b[1])
      if (next === undefined) break
      this.now = Math.max(this.now, next[1])
      this.timers.delete(next[0])
      this.#apply({ kind: 'expiry', timer: next[0] })
    }
    this.now = until
  }

  join(memberId: string, options: Partial<Join> & { topics?: string } = {}): () => JoinAnswer | undefined {
    const ticket = ++this.#ticket
    this.#apply({
      kind: 'join',
      ticket,
      memberId,
      groupInstanceId: null,
      clientId: 'test',
      clientHost: '/127.0.0.1',
      sessionTimeoutMs: 6_000,
      rebalanceTimeoutMs: 10_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription(options.topics ?? 'orders') }],
      newMemberId: `new-${ticket}`,
      memberIdRequired: false,
      maySkipAssignment: true,
      ...options,
    })
    return () => (this.#answers.get(ticket) as Extract<Answer, { of: 'join' }> | undefined)?.join
  }

  sync(
    memberId: string,
    generation: number,
    assignments: Record<string, string> = {},
    groupInstanceId: string | null = null,
  ): () => SyncAnswer | undefined {
    const ticket = ++this.#ticket
    this.#apply({
      kind: 'sync',
      ticket,
      memberId,
      groupInstanceId,
      generation,
      protocolType: null,
      protocolName: null,
      assignments: new Map(Object.entries(assignments).map(([id, text]) => [id, Buffer.from(text)])),
    })
    return () => (this.#answers.get(ticket) as Extract<Answer, { of: 'sync' }> | undefined)?.sync
  }

  heartbeat(memberId: string, generation: number, groupInstanceId: string | null = null): number {
    const ticket = ++this.#ticket
    this.#apply({ kind: 'heartbeat', ticket, memberId, generation, groupInstanceId })
    return (this.#answers.get(ticket) as Extract<Answer, { of: 'heartbeat' }>).errorCode
  }

  leave(...members: { memberId: string; groupInstanceId?: string }[]): number[] {
    const ticket = ++this.#ticket
    this.#apply({
      kind: 'leave',
      ticket,
      members: members.map((member) => ({ groupInstanceId: null, ...member })),
    })
    return (this.#answers.get(ticket) as Extract<Answer, { of: 'leave' }>).members.map((member) => member.errorCode)
  }

  /** A stable group of static members, each with an assignment that is its name. */
  static stable(...instances: string[]): { room: Scenario; ids: string[] } {
    const room = new Scenario()
    const joins = instances.map((groupInstanceId) => room.join('', { groupInstanceId }))
    // The first joined alone; it hears of the others by heartbeat, and joins again.
    const first = joins[0]?.()?.memberId as string
    if (instances.length > 1) joins[0] = room.join(first, { groupInstanceId: instances[0] as string })
    const ids = joins.map((join) => join()?.memberId as string)
    const generation = room.group.generation
    const plan = Object.fromEntries(ids.map((id, index) => [id, instances[index] as string]))
    for (const [index, id] of ids.entries()) room.sync(id, generation, index === 0 ? plan : {}, instances[index])
    assert.equal(room.group.phase, 'Stable')
    return { room, ids }
  }
}

/** What a consumer sends as its metadata: version 1, topics by comma, no user data. */
export function subscription(topics: string): Buffer {
  const names = topics.split(',')
  const parts = [Buffer.from([0, 1, 0, 0, 0, names.length])]
  for (const name of names) parts.push(Buffer.from([0, name.length]), Buffer.from(name))
  parts.push(Buffer.from([0xff, 0xff, 0xff, 0xff]))
  return Buffer.concat(parts)
}
