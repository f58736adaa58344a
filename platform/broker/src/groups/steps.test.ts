import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { errorCode } from '../protocol/error-codes.ts'
import { Scenario, subscription } from './scenario.ts'
import { deserializeGroup, serializeGroup } from './stored-group.ts'

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
