import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { errorCode } from '../protocol/error-codes.ts'
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
import { deserializeGroup, serializeGroup } from './stored-group.ts'

/** A group in virtual time: tells what each request was answered, and fires timers when time passes them. */
class Scenario {
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

function subscription(topics: string): Buffer {
  const names = topics.split(',')
  const parts = [Buffer.from([0, 1, 0, 0, 0, names.length])]
  for (const name of names) parts.push(Buffer.from([0, name.length]), Buffer.from(name))
  parts.push(Buffer.from([0xff, 0xff, 0xff, 0xff]))
  return Buffer.concat(parts)
}

describe('joining a group', () => {
  it('completes the first rebalance at once for the first member, which leads', () => {
    const room = new Scenario()
    const joined = room.join('')()
    assert.equal(joined?.errorCode, errorCode.NONE)
    assert.equal(joined?.generation, 1)
    assert.equal(joined?.leaderId, joined?.memberId)
    assert.equal(joined?.members.length, 1)
    assert.equal(room.group.phase, 'CompletingRebalance')
  })

  it('gives a new dynamic member an id and admits it when it comes back with it (KIP-394)', () => {
    const room = new Scenario()
    const first = room.join('', { memberIdRequired: true })()
    assert.equal(first?.errorCode, errorCode.MEMBER_ID_REQUIRED)
    assert.equal(room.group.members.size, 0)
    const second = room.join(first?.memberId as string, { memberIdRequired: true })()
    assert.equal(second?.errorCode, errorCode.NONE)
    assert.equal(second?.memberId, first?.memberId)
  })

  it('forgets an id that is never used, and completes the rebalance that waited for it', () => {
    const { room, ids } = Scenario.stable('a')
    room.join('', { memberIdRequired: true })
    const again = room.join(ids[0] as string, { groupInstanceId: 'a', topics: 'orders,payments' })
    assert.equal(again(), undefined, 'the rebalance waits for the pending member')
    room.pass(6_000)
    assert.equal(again()?.errorCode, errorCode.NONE)
  })

  it('refuses what it cannot take', () => {
    const room = new Scenario({ membersMax: 1 })
    assert.equal(room.join('', { sessionTimeoutMs: 5_999 })()?.errorCode, errorCode.INVALID_SESSION_TIMEOUT)
    assert.equal(room.join('', { protocols: [] })()?.errorCode, errorCode.INCONSISTENT_GROUP_PROTOCOL)
    assert.equal(room.join('nobody')()?.errorCode, errorCode.UNKNOWN_MEMBER_ID)
    room.join('')
    assert.equal(room.join('', { protocolType: 'connect' })()?.errorCode, errorCode.INCONSISTENT_GROUP_PROTOCOL)
    const other = [{ name: 'sticky', metadata: Buffer.alloc(0) }]
    assert.equal(room.join('', { protocols: other })()?.errorCode, errorCode.INCONSISTENT_GROUP_PROTOCOL)
    assert.equal(room.join('')()?.errorCode, errorCode.GROUP_MAX_SIZE_REACHED)
  })

  it('chooses the protocol that all have and most prefer', () => {
    const room = new Scenario()
    const named = (...names: string[]) => names.map((name) => ({ name, metadata: subscription('orders') }))
    const first = room.join('', { protocols: named('sticky', 'range', 'round-robin') })()?.memberId as string
    room.join('', { protocols: named('range', 'round-robin') })
    room.join('', { protocols: named('round-robin', 'range') })
    const again = room.join(first, { protocols: named('sticky', 'range', 'round-robin') })
    assert.equal(again()?.protocolName, 'range')
  })
})

describe('a rebalance', () => {
  it('gives each member what the leader assigned, after it is persisted', () => {
    const room = new Scenario()
    const first = room.join('')()?.memberId as string
    const joining = room.join('')
    assert.equal(joining(), undefined, 'the second waits for the first')
    assert.equal(room.heartbeat(first, 1), errorCode.REBALANCE_IN_PROGRESS)
    const again = room.join(first)
    const second = joining()?.memberId as string
    assert.equal(again()?.generation, 2)
    assert.deepEqual(joining()?.members, [], 'only the leader sees the members')
    assert.deepEqual(
      again()?.members.map(({ memberId }) => memberId),
      [first, second],
    )
    const follower = room.sync(second, 2)
    assert.equal(follower(), undefined, 'the follower waits for the leader')
    assert.equal(room.persisted.length, 0)
    const leader = room.sync(first, 2, { [first]: '0,1', [second]: '2' })
    assert.equal(String(leader()?.assignment), '0,1')
    assert.equal(String(follower()?.assignment), '2')
    assert.equal(room.persisted.length, 1)
    assert.equal(room.group.phase, 'Stable')
    assert.equal(room.heartbeat(second, 2), errorCode.NONE)
  })

  it('of an empty group waits for more members, if the rules say so', () => {
    const room = new Scenario({ initialRebalanceDelayMs: 3_000 })
    const first = room.join('')
    room.pass(1_000)
    const second = room.join('')
    room.pass(1_999)
    assert.deepEqual([first(), second()], [undefined, undefined])
    room.pass(1)
    assert.deepEqual([first()?.generation, second()?.generation], [1, 1])
    room.join(first()?.memberId as string, { topics: 'payments' })
    assert.equal(room.join(second()?.memberId as string)()?.generation, 2, 'only the first time')
  })

  it('drops a dynamic member that does not join again in time', () => {
    const room = new Scenario()
    const first = room.join('', { rebalanceTimeoutMs: 3_000 })()?.memberId as string
    room.sync(first, 1, { [first]: 'all' })
    const joining = room.join('', { rebalanceTimeoutMs: 3_000 })
    room.pass(2_999)
    assert.equal(joining(), undefined)
    room.pass(1)
    assert.equal(joining()?.generation, 2)
    assert.equal(joining()?.leaderId, joining()?.memberId)
    assert.equal(room.heartbeat(first, 2), errorCode.UNKNOWN_MEMBER_ID)
  })

  it('starts again when a member joins while the assignment is awaited, and tells those who wait', () => {
    const room = new Scenario()
    const first = room.join('')()?.memberId as string
    const second = room.join('')
    room.join(first)
    const secondId = second()?.memberId as string
    const waiting = room.sync(secondId, 2)
    const third = room.join('')
    assert.equal(waiting()?.errorCode, errorCode.REBALANCE_IN_PROGRESS)
    assert.equal(room.sync(first, 2, {})()?.errorCode, errorCode.REBALANCE_IN_PROGRESS)
    const fourth = room.join('')
    room.join(first)
    assert.equal(third(), undefined)
    room.join(secondId)
    assert.equal(third()?.generation, 3)
    assert.equal(fourth()?.generation, 3)
    assert.equal(room.group.members.size, 4)
  })

  it('expels a member that joined and never asks for its assignment', () => {
    const room = new Scenario()
    const first = room.join('', { sessionTimeoutMs: 60_000 })()?.memberId as string
    const second = room.join('', { sessionTimeoutMs: 60_000 })
    room.join(first, { sessionTimeoutMs: 60_000 })
    const secondId = second()?.memberId as string
    room.sync(first, 2, {})
    room.pass(10_000)
    assert.equal(room.heartbeat(secondId, 2), errorCode.UNKNOWN_MEMBER_ID)
    assert.equal(room.group.phase, 'PreparingRebalance')
  })

  it('answers a repeated JoinGroup of the present generation without another rebalance', () => {
    const room = new Scenario()
    const first = room.join('')()?.memberId as string
    const again = room.join(first)()
    assert.equal(again?.generation, 1)
    assert.equal(room.group.phase, 'CompletingRebalance')
  })

  it('refuses an assignment of another generation', () => {
    const room = new Scenario()
    const first = room.join('')()?.memberId as string
    assert.equal(room.sync(first, 0)()?.errorCode, errorCode.ILLEGAL_GENERATION)
    assert.equal(room.heartbeat(first, 7), errorCode.ILLEGAL_GENERATION)
  })

  it('never leaves a JoinGroup unanswered when its member sends another one', () => {
    const room = new Scenario()
    const first = room.join('')()?.memberId as string
    room.sync(first, 1, {})
    room.join('')
    const second = room.join('')
    const lost = room.join(first)
    assert.equal(lost()?.generation, 2)
    assert.equal(second()?.generation, 2)
  })
})

describe('a session', () => {
  it('ends without heartbeats, and the rest share the work', () => {
    const room = new Scenario()
    const first = room.join('')()?.memberId as string
    const second = room.join('')
    room.join(first)
    const secondId = second()?.memberId as string
    room.sync(first, 2, {})
    room.sync(secondId, 2)
    room.pass(4_000)
    room.heartbeat(first, 2)
    room.pass(2_000)
    assert.equal(room.heartbeat(first, 2), errorCode.REBALANCE_IN_PROGRESS)
    const alone = room.join(first)()
    assert.equal(alone?.generation, 3)
    assert.equal(alone?.members.length, 1)
  })

  it('does not run while a JoinGroup waits', () => {
    const room = new Scenario()
    const first = room.join('', { rebalanceTimeoutMs: 60_000 })()?.memberId as string
    room.sync(first, 1, {})
    const second = room.join('', { rebalanceTimeoutMs: 60_000 })
    for (let beat = 0; beat < 10; beat++) {
      room.pass(3_000)
      room.heartbeat(first, 1)
    }
    assert.equal(second(), undefined)
    room.join(first)
    assert.equal(second()?.errorCode, errorCode.NONE)
  })

  it('leaves an empty group behind the last member, with the generation counted on', () => {
    const room = new Scenario()
    const first = room.join('')()?.memberId as string
    room.sync(first, 1, {})
    room.pass(6_000)
    assert.equal(room.group.phase, 'Empty')
    assert.equal(room.group.generation, 2)
    assert.equal(room.join('')()?.generation, 3)
  })
})

describe('leaving', () => {
  it('starts a rebalance for those who stay', () => {
    const room = new Scenario()
    const first = room.join('')()?.memberId as string
    const second = room.join('')
    room.join(first)
    room.sync(first, 2, {})
    room.sync(second()?.memberId as string, 2)
    assert.deepEqual(room.leave({ memberId: second()?.memberId as string }), [errorCode.NONE])
    assert.equal(room.heartbeat(first, 2), errorCode.REBALANCE_IN_PROGRESS)
  })

  it('names each member that is not there', () => {
    const { room, ids } = Scenario.stable('a')
    assert.deepEqual(
      room.leave(
        { memberId: 'nobody' },
        { memberId: 'other', groupInstanceId: 'a' },
        { memberId: '', groupInstanceId: 'a' },
      ),
      [errorCode.UNKNOWN_MEMBER_ID, errorCode.FENCED_INSTANCE_ID, errorCode.NONE],
    )
    assert.equal(room.group.members.has(ids[0] as string), false)
    assert.equal(room.group.phase, 'Empty')
  })
})

describe('a static member', () => {
  it('comes back under a new id with its old assignment and without a rebalance', () => {
    const { room, ids } = Scenario.stable('a', 'b')
    const { generation } = room.group
    const back = room.join('', { groupInstanceId: 'b' })()
    assert.equal(back?.errorCode, errorCode.NONE)
    assert.equal(back?.generation, generation)
    assert.notEqual(back?.memberId, ids[1])
    assert.equal(room.group.phase, 'Stable')
    assert.equal(String(room.sync(back?.memberId as string, generation, {}, 'b')()?.assignment), 'b')
    assert.equal(room.heartbeat(ids[0] as string, generation, 'a'), errorCode.NONE)
  })

  it('fences its former self', () => {
    const { room, ids } = Scenario.stable('a', 'b')
    room.join('', { groupInstanceId: 'b' })
    const generation = room.group.generation
    assert.equal(room.heartbeat(ids[1] as string, generation, 'b'), errorCode.FENCED_INSTANCE_ID)
    assert.equal(room.join(ids[1] as string, { groupInstanceId: 'b' })()?.errorCode, errorCode.FENCED_INSTANCE_ID)
    assert.equal(room.sync(ids[1] as string, generation, {}, 'b')()?.errorCode, errorCode.FENCED_INSTANCE_ID)
  })

  it('that leads is told to keep the assignment, or not told that it leads where it could not be', () => {
    const { room } = Scenario.stable('a', 'b')
    const back = room.join('', { groupInstanceId: 'a' })()
    assert.equal(back?.leaderId, back?.memberId)
    assert.equal(back?.skipAssignment, true)
    assert.equal(back?.members.length, 2)
    const older = room.join('', { groupInstanceId: 'a', maySkipAssignment: false })()
    assert.notEqual(older?.leaderId, older?.memberId)
    assert.equal(older?.skipAssignment, false)
  })

  it('rebalances the group when it comes back for other topics', () => {
    const { room, ids } = Scenario.stable('a', 'b')
    const back = room.join('', { groupInstanceId: 'b', topics: 'orders,payments' })
    assert.equal(back(), undefined)
    room.join(ids[0] as string, { groupInstanceId: 'a' })
    assert.equal(back()?.errorCode, errorCode.NONE)
    assert.equal(room.group.phase, 'CompletingRebalance')
  })

  it('keeps its place through a rebalance that it misses, until its session ends', () => {
    const { room, ids } = Scenario.stable('a', 'b')
    const third = room.join('', { groupInstanceId: 'c', rebalanceTimeoutMs: 2_000 })
    room.join(ids[0] as string, { groupInstanceId: 'a', rebalanceTimeoutMs: 2_000 })
    room.pass(5_000)
    room.heartbeat(ids[1] as string, room.group.generation, 'b')
    room.pass(5_000)
    assert.equal(third()?.errorCode, errorCode.NONE)
    assert.ok(room.group.members.has(ids[1] as string))
  })

  it('is told that it is fenced while its former JoinGroup waits', () => {
    const { room } = Scenario.stable('a')
    const first = room.join('', { groupInstanceId: 'b' })
    const second = room.join('', { groupInstanceId: 'b' })
    assert.equal(first()?.errorCode, errorCode.FENCED_INSTANCE_ID)
    assert.equal(second(), undefined)
  })
})

describe('a stored group', () => {
  it('comes back as it was', () => {
    const { room, ids } = Scenario.stable('a', 'b')
    const stored = deserializeGroup('orders', serializeGroup(room.group))
    assert.equal(stored.phase, 'Stable')
    assert.equal(stored.generation, room.group.generation)
    assert.equal(stored.leaderId, room.group.leaderId)
    assert.deepEqual([...stored.members.keys()], ids)
    assert.equal(String(stored.members.get(ids[1] as string)?.assignment), 'b')
    assert.deepEqual(
      stored.members.get(ids[0] as string)?.protocols,
      room.group.members.get(ids[0] as string)?.protocols,
    )
  })
})

/** Any order of events must leave no request unanswered for ever, and no member in two places. */
describe('a group under random events', () => {
  for (const seed of [1, 2, 3, 5, 8, 13, 21, 34, 55, 89]) {
    it(`settles (seed ${seed})`, () => {
      const random = mulberry32(seed)
      const pick = <T>(values: readonly T[]): T | undefined => values[Math.floor(random() * values.length)]
      const room = new Scenario()
      const joins: (() => JoinAnswer | undefined)[] = []
      const syncs: (() => SyncAnswer | undefined)[] = []
      for (let turn = 0; turn < 400; turn++) {
        const known = [...room.group.members.values()]
        const member = pick(known)
        const instance = member?.groupInstanceId ?? null
        const choice = random()
        if (choice < 0.15)
          joins.push(room.join('', { groupInstanceId: random() < 0.5 ? `i${Math.floor(random() * 4)}` : null }))
        else if (choice < 0.2) room.join('', { memberIdRequired: true })
        else if (choice < 0.45 && member) joins.push(room.join(member.memberId, { groupInstanceId: instance }))
        else if (choice < 0.7 && member) syncs.push(room.sync(member.memberId, room.group.generation, {}, instance))
        else if (choice < 0.85 && member) room.heartbeat(member.memberId, room.group.generation, instance)
        else if (choice < 0.9 && member)
          room.leave({ memberId: member.memberId, ...(instance && { groupInstanceId: instance }) })
        else room.pass(Math.floor(random() * 3_000))
        const instances = known.flatMap(({ groupInstanceId }) => groupInstanceId ?? [])
        assert.equal(new Set(instances).size, instances.length, 'an instance id is held once')
      }
      room.pass(1_000_000)
      assert.equal(room.group.phase, 'Empty', 'without heartbeats everyone is gone in the end')
      assert.equal(room.timers.size, 0)
      assert.deepEqual(
        [...joins, ...syncs].filter((answer) => answer() === undefined),
        [],
      )
    })
  }
})

function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
